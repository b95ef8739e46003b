"""Filter: the images of some classes, with labels that count from 0."""

from tasks.data.splits import Arrays, Subset, select_classes, transform
from tasks.schemas.references import Dataset
from tasks.storage.stages import stage


@stage("filter")
def filter_classes(dataset: Dataset, classes: tuple[int, ...], relabel: bool = True) -> Dataset:
    """Keep the images of `classes`, labelled 0..k-1 in their order, or as before."""

    def subset(split: Arrays) -> Subset:
        return select_classes(split.labels, classes)

    return transform(
        dataset,
        "subset",
        inputs=lambda split: split.inputs[subset(split).rows],
        labels=lambda split: subset(split).labels if relabel else split.labels[subset(split).rows],
    )
