"""Label images with the model in use.

python flows/predict.py IMAGES... --format json --output labels.json
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from flows.startup import begin

    begin()

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from flows.cli import run_command
from flows.config import PredictConfig
from tasks.errors import InputError
from tasks.networks.models import read_model
from tasks.prediction.conversion import AS_IT_IS
from tasks.prediction.predictions import FORMATS, Row, label_images, whole_output
from tasks.prediction.reading import check_images, read_images
from tasks.storage.store import Store

if TYPE_CHECKING:
    from tasks.registry.registry import Registry


class Tally:
    """How many images, refused and converted, and how fast since it began."""

    def __init__(self) -> None:
        self.images = self.refused = self.converted = 0
        self._began = time.perf_counter()

    def count(self, table: Iterable[Row]) -> Iterator[Row]:
        """The rows, counted as they pass."""
        for row in table:
            self.images += 1
            self.refused += row.refused
            self.converted += row.conversion != AS_IT_IS
            yield row

    def __str__(self) -> str:
        speed = self.images / (time.perf_counter() - self._began)
        return (
            f"{self.images} image{'s' if self.images > 1 else ''}, {self.refused} refused, "
            f"{self.converted} converted, {speed:,.0f} images/s"
        )


def label_with_champion(config: PredictConfig) -> None:
    """Label images with the champion of the registry that the configuration names."""
    from tasks.registry.registry import Registry

    store = Store.at(config.artifacts)
    label(config, Registry(store, config.registry, config.model))


def label(config: PredictConfig, registry: "Registry") -> None:
    """Read, predict, write, and say in one line to the standard error how it went.

    Raises:
        InputError: There is no champion, an image cannot be used, or the output not be written.
    """
    version = registry.champion()
    if version is None:
        raise InputError(
            f"there is no champion of {config.model} yet; run `python flows/retrain.py`"
        )
    check_images(config.images)
    model = read_model(registry.model_path(version))
    images = read_images(config.images, version.max_pixel)
    tally = Tally()
    with whole_output(config.output) as file:
        FORMATS[config.format](file, tally.count(label_images(model, images, version)), version)
    print(tally, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(run_command("flows/predict.py", __doc__, PredictConfig, label_with_champion))
