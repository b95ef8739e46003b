"""Load: the images and labels of a source, checked, as arrays."""

from prefect.logging import get_run_logger

from tasks.data.read import read_source
from tasks.data.source import Source
from tasks.schemas.references import Dataset, Split
from tasks.storage.records import current_store
from tasks.storage.stages import stage


@stage("load")
def load(source: Source) -> Dataset:
    """Read a source: images uint8 (n, 28, 28) of 0..255 and labels uint8 (n,) of 0..9.

    Raises:
        InputError: The source is missing, damaged or not what it should be.
    """
    images = read_source(source)
    store, log = current_store(), get_run_logger()
    dataset = Dataset(
        train=Split(
            inputs=store.add_array("train-images", images.train_images),
            labels=store.add_array("train-labels", images.train_labels),
        ),
        test=Split(
            inputs=store.add_array("test-images", images.test_images),
            labels=store.add_array("test-labels", images.test_labels),
        ),
    )
    log.info("x_train %s, y_train %s", dataset.train.inputs.shape, dataset.train.labels.shape)
    log.info("x_test %s, y_test %s", dataset.test.inputs.shape, dataset.test.labels.shape)
    return dataset
