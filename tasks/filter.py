"""Filter: the images of some classes, with labels that count from 0."""

from tasks.data.splits import Arrays, Computed, select_classes, transform
from tasks.schemas.references import Dataset
from tasks.storage.stages import stage


@stage("filter")
def filter_classes(dataset: Dataset, classes: tuple[int, ...], relabel: bool = True) -> Dataset:
    """Keep the images of `classes`, labelled 0..k-1 in their order, or as before."""

    def subset(split: Arrays) -> Computed:
        rows, labels = select_classes(split.labels, classes)
        return {"inputs": split.inputs[rows], "labels": labels if relabel else split.labels[rows]}

    return transform(dataset, "subset", subset)
