"""Extract-features: the subset as the frozen backbone sees it, computed once."""

from prefect.logging import get_run_logger

from tasks.networks.inference import run
from tasks.networks.models import load_model
from tasks.schemas.references import Dataset, Split
from tasks.schemas.training import TrainedModel
from tasks.storage.records import current_store
from tasks.storage.stages import stage


@stage("extract-features")
def extract_features(base: TrainedModel, subset: Dataset) -> Dataset:
    """Run the backbone of `base` over both splits: features float32 (n, 1152), labels as before.

    A frozen backbone is a fixed function, so no head, seed or epoch needs to run it again; see
    "feature extraction" in Keras's transfer-learning guide.
    """
    store = current_store()
    backbone = load_model(store, base.model).get_layer("backbone")

    def features(split: Split, name: str) -> Split:
        extracted = store.add_array(f"{name}-features", run(backbone, store.array(split.inputs)))
        get_run_logger().info("x_%s %s -> %s", name, split.inputs.shape, extracted.shape)
        return Split(inputs=extracted, labels=split.labels)

    return Dataset(train=features(subset.train, "train"), test=features(subset.test, "test"))
