"""Hold-out: which training images no model is trained on, so that models can be calibrated."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from prefect.logging import get_run_logger

from tasks.data.held_out import held_out
from tasks.data.splits import select_classes
from tasks.schemas.images import LabelledImages
from tasks.schemas.references import ArrayReference
from tasks.storage.records import current_store
from tasks.storage.stages import stage

SHARE = 0.1
LEAST_IMAGES = 200  # of a class; fewer are all needed to learn from


def held_out_rows(
    images: NDArray[np.uint8], labels: NDArray[Any], originals: int, copies: int
) -> NDArray[np.bool_]:
    """A tenth of each class that has 200 of the images (n, ...) or more, as bool (n,).

    The choice follows from an image's pixels and class alone, or from those of its original where
    the first images are `originals`, `copies` times: it is the same for every model.
    """
    of_originals = np.arange(len(labels))
    of_originals[: originals * copies] %= max(1, originals)
    mask = held_out(images, labels, SHARE, seed=0, originals=of_originals)
    return np.asarray(mask & (np.bincount(labels)[labels] >= LEAST_IMAGES))


@stage("hold-out")
def hold_out(data: LabelledImages, classes: tuple[int, ...]) -> ArrayReference:
    """Which of the training images of some classes are held out, as bool (n,) in their order."""
    store, split = current_store(), data.images.train
    images, labels = store.array(split.inputs), np.asarray(store.array(split.labels))
    mask = held_out_rows(images, labels, data.originals, data.copies)
    mask = mask[select_classes(labels, classes).rows]
    get_run_logger().info("%d of %d training images calibrate models", mask.sum(), len(mask))
    return store.add_array(f"held-out-{len(classes)}", mask)
