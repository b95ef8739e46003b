"""How many threads TensorFlow uses."""


def use_one_thread() -> None:
    """One thread for this process from now on; for workers, of which there are several.

    The number of threads decides in which order a product is summed up, and so how it is rounded.

    Raises:
        RuntimeError: TensorFlow has computed something in this process with more of them.
    """
    import tensorflow as tf

    threading = tf.config.threading
    if threading.get_intra_op_parallelism_threads() != 1:
        threading.set_intra_op_parallelism_threads(1)
        threading.set_inter_op_parallelism_threads(1)
