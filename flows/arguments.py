"""What each command is told, beside what its flow is told."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator
from pydantic_settings import CliPositionalArg, NoDecode, SettingsConfigDict

from flows.cli import Arguments, Command, RunArguments
from flows.config import Artifacts, RetrainConfig, require_folder
from flows.study_config import StudyConfig


class RetrainArguments(RetrainConfig, Arguments):
    """Retrain on labelled images that have arrived; put the new model into use if it is better.

    Every option can also be set in the environment, as in TRANSFER_INBOX.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        cli_prog_name="python flows/retrain.py"
    )

    action: CliPositionalArg[Literal["run", "status", "rollback"]] = Field(
        default="run",
        description="Retrain; or say which model is in use, and why; or go back to the one before.",
    )


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


class StudyArguments(StudyConfig, RunArguments):
    """Transfer a digit classifier to many subsets of the digits, and compare the results.

    Every option can also be set in the environment, as in TRANSFER_DATASET.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        cli_prog_name="python flows/study.py"
    )


class ServeArguments(RetrainConfig, Arguments):
    """Serve the experiment, its retraining and studies to a Prefect server, until Ctrl-C.

    The settings are those of a scheduled run, and the defaults of the forms in the UI.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        cli_prog_name="python flows/serve.py"
    )

    cron: str | None = Field(
        default=None,
        description="When to retrain, as in '0 3 * * *', in UTC; without it, when it is asked to.",
    )

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, cron: str | None) -> str | None:
        from prefect.client.schemas.schedules import CronSchedule  # seconds for a rare option

        return cron and CronSchedule(cron=cron).cron


COMMANDS: tuple[type[Command], ...] = (
    Arguments,
    RetrainArguments,
    PredictArguments,
    StudyArguments,
    ServeArguments,
)
