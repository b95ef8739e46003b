"""Hold-out: which training images a model is not trained on, so that it can be calibrated."""

import numpy as np

from tasks.data.held_out import folds_of, held_out
from tasks.data.splits import select_classes
from tasks.schemas.images import LabelledImages
from tasks.schemas.references import Array, Mask, Pixels
from tasks.schemas.training import HeldOut
from tasks.storage.stages import current_store, get_run_logger, stage

SHARE = 0.1
LEAST_IMAGES = 200  # of a class; fewer are all needed to learn from
LEAST_HELD_OUT = 300  # of all classes; of fewer, 1 % cannot be told with confidence


def held_out_rows(
    images: Pixels, labels: Array, originals: int, copies: int, folds: int = 0
) -> list[Mask]:
    """What is held out of the images (n, ...) from every model, bool (n,), then what is by folds.

    It is a tenth of each class that has 200 images or more; or, where that is less than 300 images
    and folds are wanted, none, and each fold. It follows from an image's pixels and class alone, or
    from those of its original where the first images are `originals`, `copies` times.
    """
    of_originals = np.arange(len(labels))
    of_originals[: originals * copies] %= max(1, originals)
    mask = held_out(images, labels, SHARE, seed=0, originals=of_originals)
    mask &= np.bincount(labels)[labels] >= LEAST_IMAGES
    if folds < 2 or mask.sum() >= LEAST_HELD_OUT:
        return [mask]
    fold = folds_of(images, labels, folds, of_originals)
    return [np.zeros_like(mask), *(fold == number for number in range(folds))]


@stage("hold-out")
def hold_out(data: LabelledImages, classes: tuple[int, ...], folds: int) -> HeldOut:
    """Which of the training images of some classes are held out, in their order."""
    store, split = current_store(), data.images.train
    images, labels = store.array(split.inputs), np.asarray(store.array(split.labels))
    masks = held_out_rows(images, labels, data.originals, data.copies, folds)
    rows = select_classes(labels, classes).rows
    count, said = sum(mask[rows].sum() for mask in masks), ", in folds" if len(masks) > 1 else ""
    get_run_logger().info("%d of %d training images calibrate models%s", count, len(rows), said)
    always, *of_folds = (store.add_array(f"held-out-{len(classes)}", mask[rows]) for mask in masks)
    return HeldOut(always=always, folds=tuple(of_folds))
