"""Networks and their training: the only room that imports TensorFlow and Keras."""
