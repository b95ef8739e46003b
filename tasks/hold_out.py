"""Hold-out: which training images no model is trained on, so that models can be calibrated."""

import numpy as np
from prefect.logging import get_run_logger

from tasks.data.held_out import held_out
from tasks.schemas.references import ArrayReference, Split
from tasks.storage.records import current_store
from tasks.storage.stages import stage

SHARE = 0.1
LEAST_IMAGES = 200  # of a class; fewer are all needed to learn from


@stage("hold-out")
def hold_out(split: Split) -> ArrayReference:
    """A tenth of each class that has 200 images or more, as bool (n,) of a split's n images.

    Labels are integers (n,) or one-hot rows. The choice follows from an image's pixels and class
    alone: whatever other classes are there, and whatever the model, it is the same.
    """
    store = current_store()
    images, labels = store.array(split.inputs), np.asarray(store.array(split.labels))
    labels = labels.argmax(axis=1) if labels.ndim == 2 else labels
    counts = np.bincount(labels)
    mask = held_out(images, labels, SHARE, seed=0) & (counts[labels] >= LEAST_IMAGES)
    get_run_logger().info("%d of %d training images calibrate models", mask.sum(), len(mask))
    return store.add_array("held-out", mask)
