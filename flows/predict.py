"""Label images with the model in use.

python flows/predict.py IMAGES... --format json --output labels.json
python flows/predict.py export --to litert champion.tflite
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from startup import begin

    begin()

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator

from flows.cli import run_command
from flows.config import ExportConfig, InUseConfig, PredictConfig
from tasks.data.folder import with_bar
from tasks.data.pictures import AS_IT_IS
from tasks.errors import InputError
from tasks.networks.export import PortableModel
from tasks.prediction.reading import count_images, read_images
from tasks.prediction.writing import FORMATS, Row, label_images, whole_output, write_export
from tasks.registry.registry import Registry, only_model
from tasks.registry.version import Version
from tasks.storage.store import Store


def find_champion(config: InUseConfig) -> tuple[Registry, Version]:
    """The model in use, and where it is; InputError if there is none, or which is unclear."""
    store = Store.at(config.artifacts)
    name = config.model or only_model(store, config.registry)
    registry = Registry(store, config.registry, name)
    if version := registry.champion():
        return registry, version
    raise InputError(f"there is no champion of {name} yet; run `python flows/retrain.py`")


def export_champion(config: ExportConfig) -> None:
    """Write the champion as ONNX, LiteRT or a SavedModel, once that has answered as it does."""
    registry, version = find_champion(config)
    model, network = registry.model_path(version), registry.network_path(version)
    write_export(config.to, config.path, model, network, registry.sample(version))
    print(f"{config.path}: {registry.name} version {version.number} as {config.to}")


def label_with_champion(config: PredictConfig) -> None:
    """Read, predict, write, and say on stderr how it went; InputError if any of that cannot be."""
    registry, version = find_champion(config)
    total = count_images(config.images)
    model = PortableModel(registry.model_path(version))
    images = read_images(config.images, version.preparation)
    began, counts = time.perf_counter(), Counter[str]()
    with whole_output(config.output) as file:
        rows = with_bar(label_images(model, images, version), "labelling", total)
        FORMATS[config.format](file, count(rows, counts), version)
    number, speed = counts["images"], counts["images"] / (time.perf_counter() - began)
    print(
        f"{number} image{'s' if number > 1 else ''}, {counts['refused']} refused, "
        f"{counts['converted']} converted, {speed:,.0f} images/s",
        file=sys.stderr,
    )


def count(table: Iterable[Row], counts: Counter[str]) -> Iterator[Row]:
    """The rows, counted as they pass: all images, the refused and the converted ones."""
    for row in table:
        counts.update(images=1, refused=int(row.refused), converted=int(row.conversion != AS_IT_IS))
        yield row


if __name__ == "__main__":
    script, words = "flows/predict.py", sys.argv[1:]
    if words[:1] == ["export"]:
        about = export_champion.__doc__ or ""
        sys.exit(run_command(f"{script} export", about, ExportConfig, export_champion, words[1:]))
    sys.exit(run_command(script, __doc__, PredictConfig, label_with_champion, words))
