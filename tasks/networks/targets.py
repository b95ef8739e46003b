"""What a network is trained towards, from one-hot labels."""

import numpy as np
from numpy.typing import NDArray


def targets_for(nodes: int, one_hot: NDArray[np.float32]) -> NDArray[np.float32]:
    """Targets (n, nodes) for one-hot labels (n, classes).

    A softmax has a node for each class and takes the rows as they are. A single sigmoid node is
    the probability of the second class: its label comes back from one-hot by argmax.

    Raises:
        ValueError: There are neither as many nodes as classes, nor one node for two classes.
    """
    classes = one_hot.shape[1]
    if nodes == classes:
        return one_hot
    if (nodes, classes) != (1, 2):
        raise ValueError(f"{nodes} output nodes cannot tell {classes} classes apart")
    labels: NDArray[np.float32] = np.argmax(one_hot, axis=1, keepdims=True).astype(np.float32)
    return labels
