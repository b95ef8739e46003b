"""Extract-unknown: images of none of a model's classes, as the frozen backbone sees them."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.networks.inference import evenly, run
from tasks.networks.models import load_model
from tasks.schemas.references import Dataset, Pixels
from tasks.schemas.results import LEARNED, NOT_LEARNED, UnknownFeatures
from tasks.schemas.training import TrainedModel
from tasks.storage.stages import current_store, stage

MADE = 1_000  # images of noise, and of the model's own turned


@stage("extract-unknown")
def extract_unknown(
    base: TrainedModel, images: Dataset, classes: Sequence[int], learned: Sequence[int]
) -> UnknownFeatures:
    """Run the backbone of `base` over test images that are unlike those of `classes`.

    They are those of the other classes, apart where the base has `learned` these, then noise, grey
    without anything on it, and images of `classes`, turned by 90 degrees or upside down.
    """
    store = current_store()
    test = store.array(images.test.inputs)
    labels = np.asarray(store.array(images.test.labels))
    backbone = load_model(store, base.model).get_layer("backbone")
    unknown = dict(unknown_images(test, labels, classes, learned))
    features = tuple(
        store.add_array(f"unknown-to-{len(classes)}-{number}", run(backbone, some))
        for number, some in enumerate(unknown.values())
    )
    return UnknownFeatures(kinds=tuple(unknown), features=features)


def unknown_images(
    test: Pixels, labels: NDArray[np.integer], classes: Sequence[int], learned: Sequence[int]
) -> Iterator[tuple[str, Pixels]]:
    """Kinds, in words, and their images (k, height, width, ...), of test images (n, ...)."""
    is_own, is_learned = np.isin(labels, classes), np.isin(labels, learned)
    for kind, mask in ((LEARNED, is_learned), (NOT_LEARNED, ~is_learned)):
        if (mask & ~is_own).any():
            yield kind, test[mask & ~is_own]
    brightest, shape = int(test.max()), test.shape[1:]
    yield "noise", np.random.default_rng(0).integers(0, brightest + 1, (MADE, *shape), np.uint8)
    yield "one grey", np.stack([np.full(shape, grey, np.uint8) for grey in range(brightest + 1)])
    own = test[evenly(np.flatnonzero(is_own), MADE)]
    turns = 1 if shape[0] == shape[1] else 2
    yield "its own, turned", np.ascontiguousarray(np.rot90(own, turns, axes=(1, 2)))
