"""Label images with the model in use.

python flows/predict.py IMAGES... --format json --output labels.json
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from flows.startup import begin

    begin()

import sys
import time
from typing import TYPE_CHECKING

from flows.arguments import PredictArguments
from flows.command_line import call_with_settings
from tasks.errors import InputError
from tasks.prediction.conversion import AS_IT_IS
from tasks.prediction.output import write
from tasks.prediction.predictions import FORMATS, Predictions, predict, rows
from tasks.prediction.reading import NamedImages, read_images
from tasks.storage.models import read_model
from tasks.storage.store import Store

if TYPE_CHECKING:
    from tasks.registry.registry import Registry


def label_with_champion(arguments: PredictArguments) -> None:
    """Label images with the champion of the registry that the arguments name."""
    from tasks.registry.registry import Registry

    store = Store.at(arguments.artifacts)
    label(arguments, Registry(store, arguments.registry, arguments.model))


def label(arguments: PredictArguments, registry: "Registry") -> None:
    """Read, predict, write, and say in one line to the standard error how it went.

    Raises:
        InputError: There is no champion, an image cannot be used, or the output not be written.
    """
    version = registry.champion()
    if version is None:
        raise InputError(
            f"there is no champion of {arguments.model} yet; run `python flows/retrain.py`"
        )
    started = time.perf_counter()
    images = read_images(arguments.images, version.ink)
    reading = time.perf_counter() - started
    model = read_model(registry.model_path(version))
    started = time.perf_counter()
    predictions = predict(model, images.pixels, version)
    predicting = time.perf_counter() - started
    write(FORMATS[arguments.format](rows(images, predictions), version), arguments.output)
    print(summary(images, predictions, reading + predicting), file=sys.stderr)


def summary(images: NamedImages, predictions: Predictions, seconds: float) -> str:
    """How many images, refused and converted; `seconds` are those of reading and predicting."""
    count = len(images.names)
    converted = sum(how != AS_IT_IS for how in images.conversions)
    return (
        f"{count} image{'s' if count > 1 else ''}, {predictions.refused.sum()} refused, "
        f"{converted} converted, {count / seconds:,.0f} images/s"
    )


if __name__ == "__main__":
    sys.exit(call_with_settings(PredictArguments, label_with_champion))
