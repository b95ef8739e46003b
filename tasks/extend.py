"""Extend: the images to train on and to test on, with those that have arrived."""

from collections.abc import Sequence

import numpy as np

from tasks.arrivals.batch import Batch
from tasks.data.splits import store_split
from tasks.schemas.references import Dataset, Split
from tasks.storage.stages import current_store, get_run_logger, stage


@stage("extend")
def extend(dataset: Dataset, batches: Sequence[Batch]) -> Dataset:
    """Append the images uint8 (n, ...) and labels of batches, those held out to the test split."""
    if not batches:
        return dataset
    store, extended = current_store(), dict[str, Split]()
    for name, before in dataset:
        parts = [batch.part(store, held_out=name == "test") for batch in batches]
        images = np.concatenate([store.array(before.inputs), *(part[0] for part in parts)])
        labels = np.concatenate([store.array(before.labels), *(part[1] for part in parts)])
        get_run_logger().info("x_%s %s -> %s", name, before.inputs.shape, images.shape)
        extended[name] = store_split(f"{name}-extended", images, labels)
    return Dataset(**extended)
