"""Two nodes or one: what both heads say of the same images."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.statistics.pairs import compare_paired

MOST_DIFFERENCES = 5


def compare_heads(
    two: NDArray[np.float32],
    one: NDArray[np.float32],
    labels: NDArray[np.integer],
    rows: NDArray[np.intp],
) -> dict[str, Any]:
    """Agreement, McNemar's test, and the images on which the probabilities are furthest apart.

    Args:
        two: Probabilities of the two-node head, (n, 2).
        one: Those of the one-node head, with a column for each class too, (n, 2).
        labels: True classes 0 and 1, (n,).
        rows: Where the images stand among all test images, (n,).
    """
    calls = two.argmax(axis=1), one.argmax(axis=1)
    pairs = compare_paired(calls[0] == labels, calls[1] == labels)
    distances = np.abs(two[:, 1] - one[:, 1])
    furthest = np.argsort(-distances, kind="stable")[:MOST_DIFFERENCES]
    return {
        **pairs.model_dump(),
        "n": pairs.n,
        "agreement": float((calls[0] == calls[1]).mean()),
        "differences": [
            {
                "image": int(rows[i]),
                "label": int(labels[i]),
                "two_node": float(two[i, 1]),
                "one_node": float(one[i, 1]),
            }
            for i in furthest
        ],
    }
