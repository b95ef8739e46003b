"""One-hot: a column for each class."""

from tasks.data.splits import encode, transform
from tasks.schemas.references import Dataset
from tasks.storage.stages import stage


@stage("one-hot")
def one_hot(dataset: Dataset, classes: int) -> Dataset:
    """Replace the labels (n,) of both splits by one-hot rows float32 (n, classes)."""
    name = f"one-hot-{classes}"
    return transform(dataset, name, lambda split: {"labels": encode(split.labels, classes)})
