"""Find-overlap: which test images are copies of training images, or nearly so."""

from tasks.data.near import STILL, near_duplicates
from tasks.schemas.references import ArrayReference, Dataset
from tasks.storage.stages import current_store, get_run_logger, stage


@stage("find-overlap")
def find_overlap(images: Dataset) -> ArrayReference:
    """Which test images (n, ...) are training images, give or take some grey levels, bool (n,)."""
    store = current_store()
    train, test = (store.array(split.inputs) for split in (images.train, images.test))
    mask = near_duplicates(test, train, [STILL]) >= 0
    if mask.any():
        told = "%d of %d test images are near duplicates of training images"
        get_run_logger().warning(told, mask.sum(), len(mask))
    return store.add_array("overlap", mask)
