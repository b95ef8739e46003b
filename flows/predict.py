"""Label images with the model in use.

python flows/predict.py IMAGES... --format json --output labels.json
"""

import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import CliPositionalArg, NoDecode, SettingsConfigDict

from flows.command_line import Command, call_with_settings
from flows.config import Artifacts, require_folder
from tasks.errors import InputError
from tasks.prediction.conversion import AS_IT_IS
from tasks.prediction.output import whole_output
from tasks.prediction.predictions import FORMATS, Row, label_images
from tasks.prediction.reading import check_images, read_images
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
    check_images(arguments.images)
    model = read_model(registry.model_path(version))
    images = read_images(arguments.images, version.ink)
    tally = Tally()
    with whole_output(arguments.output) as file:
        FORMATS[arguments.format](file, tally.count(label_images(model, images, version)), version)
    print(tally, file=sys.stderr)


if __name__ == "__main__":
    sys.exit(call_with_settings(PredictArguments, label_with_champion))
