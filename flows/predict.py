"""Label images with the model in use.

python flows/predict.py IMAGES... --format json --output labels.json
"""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import CliPositionalArg, NoDecode, SettingsConfigDict

from flows.command_line import Command, call_with_settings
from flows.config import Artifacts, require_folder
from tasks.errors import InputError
from tasks.prediction.conversion import AS_IT_IS
from tasks.prediction.output import write
from tasks.prediction.predictions import FORMATS, Predictions, predict, rows
from tasks.prediction.reading import NamedImages, read_images
from tasks.storage.models import read_model
from tasks.storage.store import Store

if TYPE_CHECKING:
    from tasks.registry.registry import Registry


class PredictArguments(Command):
    """Label images with the champion: the registered model that is in use.

    Every option can also be set in the environment, as in TRANSFER_FORMAT.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        cli_prog_name="python flows/predict.py"
    )

    images: CliPositionalArg[
        Annotated[tuple[Path, ...], BeforeValidator(lambda paths: paths.split(",")), NoDecode]
    ] = Field(
        description="PNG files, folders of them, and .npz files with an array images, uint8 "
        "(n, height, width) or (n, height, width, 3). A file with a comma in its name is read "
        "from its folder."
    )
    artifacts: Annotated[Artifacts, AfterValidator(require_folder)] = Field(
        default="artifacts", description="The folder in which the models are kept."
    )
    registry: str | None = Field(
        default=None,
        description="The tracking URI of the model registry, instead of the one in the artifacts.",
    )
    model: str = Field(default="two-node-0-1", description="The name of the registered model.")
    format: Literal["csv", "json"] = Field(default="csv", description="How the labels are written.")
    output: Path | None = Field(
        default=None, description="The file to write, instead of the standard output."
    )


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
