"""Extend: the training images, with those that have arrived."""

from collections.abc import Sequence

import numpy as np
from prefect.logging import get_run_logger

from tasks.arrivals.batch import Batch
from tasks.data.splits import store_split
from tasks.schemas.references import Dataset
from tasks.storage.records import current_store
from tasks.storage.stages import stage


@stage("extend")
def extend(dataset: Dataset, batches: Sequence[Batch]) -> Dataset:
    """Append the images uint8 (n, ...) and labels of batches to the training split."""
    if not batches:
        return dataset
    array, before = current_store().array, dataset.train
    images = [array(before.inputs), *(array(batch.images) for batch in batches)]
    labels = [array(before.labels), *(array(batch.labels) for batch in batches)]
    train = store_split("train-extended", np.concatenate(images), np.concatenate(labels))
    get_run_logger().info("x_train %s -> %s", before.inputs.shape, train.inputs.shape)
    return Dataset(train=train, test=dataset.test)
