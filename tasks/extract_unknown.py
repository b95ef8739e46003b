"""Extract-unknown: the images of all other classes as the frozen backbone sees them."""

from collections.abc import Sequence

import numpy as np
from prefect.logging import get_run_logger

from tasks.data.splits import rows_of_other_classes
from tasks.networks.inference import evenly, run
from tasks.networks.models import load_model
from tasks.schemas.references import Dataset
from tasks.schemas.results import UnknownFeatures
from tasks.schemas.training import TrainedModel
from tasks.storage.records import current_store
from tasks.storage.stages import stage

MOST_UNKNOWN_IMAGES = 10_000


@stage("extract-unknown")
def extract_unknown(base: TrainedModel, images: Dataset, classes: Sequence[int]) -> UnknownFeatures:
    """Run the backbone of `base` over the images of no class in `classes`, once for all heads.

    Of the training images 10,000 are enough, evenly spread.
    """
    store = current_store()
    train, test = (
        rows_of_other_classes(np.asarray(store.array(split.labels)), classes) for _, split in images
    )
    if not len(train) or not len(test):
        return UnknownFeatures(features=())
    train = evenly(train, MOST_UNKNOWN_IMAGES)
    log = get_run_logger()
    log.info("%d training and %d test images are of unknown classes", len(train), len(test))
    backbone = load_model(store, base.model).get_layer("backbone")
    seen = run(backbone, store.array(images.train.inputs)[train])
    unseen = run(backbone, store.array(images.test.inputs)[test])
    features = store.add_array("train-unknown", seen), store.add_array("test-unknown", unseen)
    return UnknownFeatures(features=features)
