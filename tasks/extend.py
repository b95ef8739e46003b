"""Extend: the images to train on and to test on, with those that have arrived."""

from collections.abc import Sequence

from tasks.arrivals.batch import Batch
from tasks.schemas.references import Dataset, Split
from tasks.storage.stages import current_store, get_run_logger, stage


@stage("extend")
def extend(dataset: Dataset, batches: Sequence[Batch]) -> Dataset:
    """Append the images uint8 (n, ...) and labels of batches, those held out to the test split.

    Nothing is copied: what comes of it refers to the batches as they are stored.
    """
    if not batches:
        return dataset
    extended = dict[str, Split]()
    for name, before in dataset:
        is_test = name == "test"
        masks = (batch.mask(current_store()) for batch in batches)
        count = before.labels.shape[0] + sum(int((mask == is_test).sum()) for mask in masks)
        inputs, labels = zip(*(batch.rows(held_out=is_test) for batch in batches), strict=True)
        whole = before.inputs.followed_by(inputs, count), before.labels.followed_by(labels, count)
        extended[name] = Split(inputs=whole[0], labels=whole[1])
        get_run_logger().info("images_%s %d -> %d", name, before.labels.shape[0], count)
    return Dataset(**extended)
