"""Extend: the training images, with those that have arrived."""

from collections.abc import Sequence

import numpy as np
from prefect.logging import get_run_logger

from tasks.arrivals.batch import Batch
from tasks.schemas.references import ArrayReference, Dataset, Split
from tasks.storage.records import current_store
from tasks.storage.stages import stage


@stage("extend")
def extend(dataset: Dataset, batches: Sequence[Batch]) -> Dataset:
    """Append the images uint8 (n, 28, 28) and labels of batches to the training split."""
    if not batches:
        return dataset
    train = Split(
        inputs=_appended("images", dataset.train.inputs, [batch.images for batch in batches]),
        labels=_appended("labels", dataset.train.labels, [batch.labels for batch in batches]),
    )
    get_run_logger().info("x_train %s -> %s", dataset.train.inputs.shape, train.inputs.shape)
    return Dataset(train=train, test=dataset.test)


def _appended(name: str, first: ArrayReference, others: Sequence[ArrayReference]) -> ArrayReference:
    store = current_store()
    arrays = [store.array(reference) for reference in (first, *others)]
    return store.add_array(f"train-{name}-extended", np.concatenate(arrays))
