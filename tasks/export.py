"""Export: a model as ONNX, for whoever has neither this project nor Keras."""

from tasks.networks.export import to_onnx
from tasks.networks.models import load_model
from tasks.schemas.images import ClassName
from tasks.schemas.references import FileReference, ModelReference
from tasks.storage.stages import current_store, get_run_logger, stage


@stage("export")
def export(reference: ModelReference, classes: tuple[ClassName, ...]) -> FileReference:
    """Store a model, whose outputs are called `classes`, as ONNX; see `to_onnx`."""
    store = current_store()
    model = load_model(store, reference)
    content = to_onnx(model, classes).SerializeToString()
    get_run_logger().info("%s as ONNX: %d bytes", model.name, len(content))
    return store.add(f"models/{model.name}.onnx", lambda path: path.write_bytes(content))
