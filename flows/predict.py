"""Label images with the model in use.

python flows/predict.py IMAGES... --format json --output labels.json
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from flows.startup import begin

    begin()

import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator

from flows.cli import run_command
from flows.config import PredictConfig
from tasks.data.pictures import AS_IT_IS
from tasks.errors import InputError
from tasks.networks.portable import PortableModel
from tasks.prediction.predictions import FORMATS, Row, label_images, whole_output
from tasks.prediction.reading import check_images, read_images
from tasks.registry.registry import Registry, only_model
from tasks.storage.store import Store


def label_with_champion(config: PredictConfig) -> None:
    """Label images with the champion of the registry that the configuration names."""
    store = Store.at(config.artifacts)
    name = config.model or only_model(store, config.registry)
    label(config, Registry(store, config.registry, name))


def label(config: PredictConfig, registry: Registry) -> None:
    """Read, predict, write, and say in one line to the standard error how it went.

    Raises InputError if there is no champion, an image cannot be used, or the output not written.
    """
    version = registry.champion()
    if version is None:
        raise InputError(
            f"there is no champion of {registry.name} yet; run `python flows/retrain.py`"
        )
    check_images(config.images)
    model = PortableModel(registry.model_path(version))
    images = read_images(config.images, version.preparation)
    began, counts = time.perf_counter(), Counter[str]()
    with whole_output(config.output) as file:
        rows = count(label_images(model, images, version), counts)
        FORMATS[config.format](file, rows, version)
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
    sys.exit(run_command("flows/predict.py", __doc__, PredictConfig, label_with_champion))
