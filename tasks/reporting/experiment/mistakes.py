"""What a model gets wrong, or is least sure of."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

MOST_IMAGES = 12


def hardest_images(
    probabilities: NDArray[np.float32],
    labels: NDArray[np.integer],
    rows: NDArray[np.intp],
    classes: tuple[int, ...],
) -> list[dict[str, Any]]:
    """Up to 12 images, those with the least probability of their true class first.

    Args:
        probabilities: (n, classes).
        labels: True classes, counted from 0, (n,).
        rows: Where the images stand among all test images, (n,).
        classes: What the classes are called.
    """
    of_truth = probabilities[np.arange(len(labels)), labels]
    predicted = probabilities.argmax(axis=1)
    return [
        {
            "image": int(rows[i]),
            "label": classes[labels[i]],
            "predicted": classes[predicted[i]],
            "probability": float(probabilities[i].max()),
        }
        for i in np.argsort(of_truth, kind="stable")[:MOST_IMAGES]
    ]
