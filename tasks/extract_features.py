"""Extract-features: the subset as the frozen backbone sees it, computed once."""

from tasks.data.splits import transform
from tasks.networks.inference import run
from tasks.networks.models import load_model
from tasks.schemas.references import Dataset
from tasks.schemas.training import TrainedModel
from tasks.storage.stages import current_store, stage


@stage("extract-features")
def extract_features(base: TrainedModel, subset: Dataset) -> Dataset:
    """Run the backbone of `base` over both splits: features float32 (n, m), labels as before.

    A fixed function, run once: see "feature extraction" in Keras's transfer-learning guide.
    """
    backbone = load_model(current_store(), base.model).get_layer("backbone")
    return transform(subset, "features", lambda split: {"inputs": run(backbone, split.inputs)})
