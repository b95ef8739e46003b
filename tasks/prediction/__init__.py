"""The model in use: images as MNIST was made, and what the champion says of them."""
