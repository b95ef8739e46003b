"""The configuration: one frozen model for the command line, the environment and the UI's form."""

import re
from collections.abc import Sequence
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic.functional_validators import BeforeValidator
from pydantic_settings import CliPositionalArg

from flows import cli_types as typed
from flows.recipes import RECIPES
from tasks.data.mnist import is_mnist
from tasks.data.names import positions
from tasks.data.source import Reading, Source
from tasks.errors import InputError
from tasks.networks.architecture import ONE_NODE, softmax_head
from tasks.networks.hardware import resolve_precision
from tasks.networks.recipe import Recipe, Training
from tasks.registry.connection import SERVERS
from tasks.registry.decision import Bounds
from tasks.schemas.images import LEAST_SIDE, MOST_SIDE, ClassName, LabelledImages
from tasks.storage.remote import is_remote

C = TypeVar("C", bound=BaseModel)
LONGEST_NAME = 100  # characters of a registered model

# a program gives an address as a path, and the command line joins paths
Artifacts = Annotated[str, BeforeValidator(lambda at: str(at) if isinstance(at, Path) else at)]
Paths = Annotated[
    tuple[Path, ...], BeforeValidator(lambda at: at.split(",") if isinstance(at, str) else at)
]
Registry = Annotated[str | None, typed.Example("URI")]


def _require_a_server(told: Any) -> Any:
    if is_remote(told.artifacts) and not (told.registry or "").startswith(SERVERS):
        raise ValueError(
            f"the registry in --artifacts {told.artifacts} would be a database, which needs a "
            "folder; give --registry http://..., an MLflow server"
        )
    return told


class Settings(BaseModel):
    """What is told to a command; the text below a field explains it in `--help` and the form."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: Any, handler: Any) -> Any:
        found = handler.resolve_ref_schema(handler(schema))
        defaults = cls.model_construct().filled_form()
        for name, field in found["properties"].items():
            # without the line breaks that there are here
            field["description"] = " ".join(field["description"].split())
            field["default"] = defaults[name]
        return found

    def filled_form(self) -> dict[str, object]:
        """The settings as the form in the UI has them: JSON types, and lists as they are typed."""
        lists = {
            name: typed.shown(field, getattr(self, name))
            for name, field in type(self).model_fields.items()
            if isinstance(typed.annotation(field), typed.Typed)
        }
        return self.model_dump(mode="json") | lists


class StoringConfig(Settings):
    """What all are told that write to the artifacts, one at a time."""

    script: ClassVar[str]

    artifacts: Annotated[Artifacts, typed.Example("FOLDER|URL")] = "artifacts"
    """Where arrays, models, records and reports are kept: a folder, or an fsspec URL such as
    s3://bucket/prefix."""

    wait: Annotated[float | None, typed.Example("SECONDS")] = Field(600, ge=0)
    """Seconds to wait for another run on the same artifacts; 0 or more, or none for as long as it
    takes, as a scheduled run does."""


class RunConfig(StoringConfig):
    """What every run is told: its data, and its recipes."""

    dataset: Annotated[str, typed.Example("NAME|PATH")] = "auto"
    """The images: mnist (Keras's cache, else downloaded), digits (embedded, small), auto (mnist if
    it can be had, else digits), or a path: a folder with a folder of pictures for each class,
    perhaps below train and test; a .csv with path, label and perhaps split; a .npz with x_train,
    y_train and perhaps x_test, y_test; a folder with MNIST's four IDX files."""

    image_size: Annotated[int | None, typed.Example("PIXELS")] = Field(
        None, ge=LEAST_SIDE, le=MOST_SIDE
    )
    """The height and width that images are scaled to, 8 to 128; without it their own, if all have
    the same, else at most 64."""

    colour: Literal["auto", "grey", "rgb"] = "auto"
    """What images become; auto is grey where all are."""

    handwriting: bool | None = None
    """Whether to prepare pictures as MNIST was made: light strokes on black, fitted and centred;
    without it, where the data look like that."""

    test_share: float = Field(0.2, gt=0, lt=1)
    """The share of each class that is held out to test on where the data have no test images."""

    split_seed: int = Field(0, ge=0, lt=2**32)
    """What is held out follows from it and from the images; 0 or more."""

    base_classes: typed.BaseClasses = "all"
    """The classes that the base model learns: all; others, which are all but those to transfer to;
    or two or more, as in 2,3 or cat,dog."""

    base_dataset: Annotated[str | None, typed.Example("NAME|PATH")] = None
    """Other images that the base model learns from, prepared like those of the data set, which only
    the heads are trained on then."""

    recipes: typed.RecipeNames = Field(
        (),
        description=f"How to train, one or more of: {', '.join(RECIPES)}; without it, notebook "
        "and tuned for MNIST and the embedded digits, and tuned for other images.",
    )
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """In what matrix products are computed, where the recipe leaves it open; auto is bfloat16 where
    the hardware is faster at it."""

    folds: int = Field(3, ge=0, le=10)
    """How many more models are trained, each without a share of the images, to calibrate those in
    use where fewer than 300 images could be held out; less than 2 is none."""

    refresh: bool = False
    """Compute everything again, whatever the cache holds."""

    base_epochs: int | None = Field(None, ge=1)
    """Epochs of the base model, 1 or more, instead of the recipe's."""

    head_epochs: int | None = Field(None, ge=1)
    """Epochs of the heads, 1 or more, instead of the recipe's."""

    @property
    def reading(self) -> Reading:
        """What is asked of the images."""
        return Reading.model_validate(self.model_dump(include=set(Reading.model_fields)))

    def fitted_to(self, source: Source, data: LabelledImages) -> Self:
        """With what is left to the data: the recipes, if none were given."""
        if self.recipes:
            return self
        is_the_notebooks = source.format == "digits" or is_mnist(data.images)
        recipes = ("notebook", "tuned") if is_the_notebooks else ("tuned",)
        return self.model_copy(update={"recipes": recipes})

    def classes_of_the_base(
        self, classes: Sequence[ClassName], chosen: Sequence[ClassName]
    ) -> tuple[ClassName, ...]:
        """Those that a base learns; InputError if they are fewer than two, or one is not there."""
        if self.base_classes == "all":
            return tuple(classes)
        if self.base_classes != "others":
            return tuple(classes[at] for at in positions(self.base_classes, classes))
        names = set(map(str, chosen))
        others = tuple(name for name in classes if str(name) not in names)
        if len(others) < 2:
            raise InputError(
                f"--base-classes others leaves {len(others)} of {len(classes)} classes, of which a "
                "base needs two; transfer to fewer, or give --base-dataset"
            )
        return others

    def chosen_recipes(self) -> dict[str, Recipe]:
        """The recipes by name, with the epochs and the precision that this configuration sets."""
        return {name: self._adapted(RECIPES[name]) for name in self.recipes or RECIPES}

    def _adapted(self, recipe: Recipe) -> Recipe:
        base = self._adapted_training(recipe.base, self.base_epochs)
        head = self._adapted_training(recipe.head, self.head_epochs)
        return recipe.model_copy(update={"base": base, "head": head})

    def _adapted_training(self, training: Training, epochs: int | None) -> Training:
        changes: dict[str, object] = {"epochs": epochs, "least_steps": 0} if epochs else {}
        if training.precision == "auto":
            changes["precision"] = resolve_precision(self.precision)
        return training.model_copy(update=changes)


class Config(RunConfig):
    """What an experiment does."""

    script: ClassVar[str] = "flows/main.py"

    classes: typed.Classes = ()
    """The classes to transfer to, two or more, as in 0,1 or cat,dog; they become labels 0, 1, ...
    in this order. The one-node head is trained for exactly two. Without it, the first two that the
    data have."""

    seed: int = Field(0, ge=0, lt=2**32)
    """Everything random in a run follows from it; 0 or more."""

    refuse_own: float = Field(0.01, gt=0, lt=1)
    """The share of images of their own classes that models may refuse, so as to refuse others."""

    label_efficiency: bool = True
    """Hold transfer against other approaches, with few labels and with all."""

    def fitted_to(self, source: Source, data: LabelledImages) -> Self:
        """With what is left to the data, and their classes; InputError if they lack one of them."""
        chosen = positions(self.classes or data.classes[:2], data.classes)
        names = tuple(data.classes[position] for position in chosen)
        return super().fitted_to(source, data).model_copy(update={"classes": names})


class RetrainConfig(Bounds, Config):
    """What a retraining does: an experiment by one recipe, and one of its models in use."""

    script: ClassVar[str] = "flows/retrain.py"

    inbox: Annotated[str, typed.Example("FOLDER|URL")] = "inbox"
    """The folder, or fsspec URL, into which labelled batches are dropped: .npz files with images
    and labels, or folders of pictures in folders named by class."""

    settle: Annotated[float, typed.Example("SECONDS")] = Field(30, ge=0)
    """Seconds, 0 or more, without a change after which a batch counts as wholly written; an intact
    .npz always does."""

    keep: int | None = Field(None, ge=1)
    """How many of the last runs to keep, with all that they need, 1 or more; without it all."""

    train_anyway: bool = False
    """Train though no challenger could be shown to be better than the champion."""

    hold_out: float = Field(0.2, ge=0, lt=1)
    """The share of each class of a batch that is never trained on; a new model must be better on
    it, too."""

    model: Literal["softmax", "sigmoid", "base"] = "softmax"
    """Which model is put into use: the head with a node for each class, the one with a single node,
    or the base model of all classes."""

    registry: Registry = None
    """The tracking URI of an MLflow model registry; without it, one in the artifacts folder."""

    recipes: typed.OneRecipe = Field(
        ("tuned",), description=f"How to train, one of: {', '.join(RECIPES)}."
    )
    label_efficiency: bool = False
    """Hold transfer against other approaches, with few labels and with all."""

    _has_a_registry = model_validator(mode="after")(_require_a_server)

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        if self.model == "sigmoid" and len(self.classes) not in (0, 2):
            raise ValueError("a single node tells two classes apart; give --model softmax")
        if self.model == "base" and self.base_dataset is not None:
            raise ValueError("a base of other images is not retrained; give --model softmax")
        if self.keep and is_remote(self.artifacts):
            raise ValueError("only artifacts in a folder are removed; leave --keep out")
        return self

    @property
    def model_in_use(self) -> str:
        """The name that the experiment gives to the model: `base`, `two-node`, `one-node`, ..."""
        softmax = softmax_head(len(self.classes)).name
        return {"softmax": softmax, "sigmoid": ONE_NODE.name, "base": "base"}[self.model]

    @property
    def registered_name(self) -> str:
        """The model's name in the registry, as in `two-node-0-1`, once the classes are known."""
        classes = () if self.model == "base" else self.classes
        name = "-".join([self.model_in_use, *map(str, classes)])
        plain = re.sub(r"[^\w.-]+", "_", name, flags=re.ASCII)
        if plain == name and len(name) <= LONGEST_NAME:
            return name
        # two lists of classes never share a name
        return f"{plain[:LONGEST_NAME]}-{sha256(repr(classes).encode()).hexdigest()[:8]}"


class ReviewConfig(StoringConfig):
    """What is decided on a batch that arrived."""

    script: ClassVar[str] = "flows/retrain.py"

    action: Literal["review", "approve", "reject", "withdraw"] = "review"
    """List all batches; or take in one that was set aside, as it is; or reject it; or take one that
    was accepted out of all later training."""

    batch: str = ""
    """The name of the batch, or the first letters of its digest."""

    why: str = ""
    """Why, in words; it is recorded with when and by whom."""

    @model_validator(mode="after")
    def _of_a_batch_and_why(self) -> Self:
        if self.action != "review" and not (self.batch.strip() and self.why.strip()):
            raise ValueError(f"{self.action} needs the name of a batch, and --why with a reason")
        return self


class RetrainCommand(RetrainConfig):
    """What `flows/retrain.py` is told: a retraining, or an action on its registry or batches."""

    action: CliPositionalArg[
        Literal["run", "status", "rollback", "review", "approve", "reject", "withdraw"]
    ] = "run"
    """Retrain; say which model is in use, and why; go back to the one before; list the batches; or
    decide on one."""

    batch: CliPositionalArg[str] = ""
    """The batch to approve, reject or withdraw: its name, or the first letters of its digest."""

    why: str = ""
    """Why, in words, which is recorded."""


class ServeCommand(RetrainConfig):
    """What `flows/serve.py` is told: the settings of scheduled runs, and of the UI's forms."""

    cron: Annotated[str | None, typed.Example("CRON")] = None
    """When to retrain, as in '0 3 * * *', in UTC; without it, when it is asked to."""

    port: int = Field(4280, ge=0, lt=2**16)
    """The port of 127.0.0.1 where reports, decisions and what waits can be read; 0 for none."""

    @field_validator("cron")
    @classmethod
    def _five_fields(cls, cron: str | None) -> str | None:
        from prefect.client.schemas.schedules import CronSchedule  # seconds for a rare option

        return cron and CronSchedule(cron=cron).cron


class StudyConfig(RunConfig):
    """What a study does: transfers to many subsets of the classes, from many seeds."""

    script: ClassVar[str] = "flows/study.py"

    pairs: typed.Pairs = ()
    """Pairs of classes to transfer to: all, for every pair that the data have, or some, as in
    0,1 3,5, names with a space in quotes. All, if neither pairs nor subsets are given."""

    subsets: typed.Subsets = ()
    """More subsets to transfer to, of two or more classes each, as in 0,1 3,5,8; the one-node
    head is trained for exactly two."""

    seeds: typed.Seeds = (0,)
    """The seeds of the heads, as in 0..4 or 0,1,7; each gives every head once."""

    shared_base: bool = True
    """One base model a recipe, from the first seed; without it, one for each seed."""

    workers: int | None = Field(None, ge=1)
    """Worker processes on this machine, 1 or more; one for each core by itself."""

    def chosen_subsets(self, classes: Sequence[ClassName]) -> tuple[tuple[int, ...], ...]:
        """Each subset once, as positions in the data's classes; InputError if they lack one."""
        is_all = self.pairs == "all" or not (self.pairs or self.subsets)
        pairs = combinations(range(len(classes)), 2) if is_all else ()
        named = (*(() if is_all else self.pairs), *self.subsets)
        return tuple(dict.fromkeys([*pairs, *(positions(one, classes) for one in named)]))

    def base_seeds(self) -> dict[int, tuple[int, ...]]:
        """Which seeds' heads stand on the base of which seed."""
        alone: dict[int, tuple[int, ...]] = {seed: (seed,) for seed in self.seeds}
        return {self.seeds[0]: self.seeds} if self.shared_base else alone


class PruneConfig(StoringConfig):
    """What is removed."""

    script: ClassVar[str] = "flows/prune.py"

    keep: int = Field(10, ge=1)
    """How many of the last runs, and of the champion's predecessors, are kept; 1 or more."""

    dry_run: bool = False
    """Say what would be removed, and remove nothing."""


class InUseConfig(Settings):
    """Which model is in use."""

    artifacts: Annotated[Artifacts, typed.Example("FOLDER|URL")] = "artifacts"
    """Where the models are kept: a folder, or an fsspec URL, for which a registry is given."""

    registry: Registry = None
    """The tracking URI of the model registry, instead of the one in the artifacts."""

    _has_a_registry = model_validator(mode="after")(_require_a_server)

    model: Annotated[str | None, typed.Example("NAME")] = None
    """The name of the registered model; without it, the only one that there is."""


class PredictConfig(InUseConfig):
    """What labelling images with the registered model is told."""

    images: CliPositionalArg[Paths]
    """PNG, JPEG, WebP, BMP or TIFF files, folders of them, .csv files that list them in a column
    path, .npz files with an array images, x_test or x_train, and IDX images. A file with a comma in
    its name is read from its folder."""

    format: Literal["csv", "json", "parquet"] = "csv"
    """How the labels are written."""

    output: Path | None = None
    """The file to write, instead of the standard output."""


class ExportConfig(InUseConfig):
    """What handing out the registered model is told."""

    path: CliPositionalArg[Path]
    """Where to write it; nothing may be there."""

    to: Literal["onnx", "litert", "saved-model"] = "onnx"
    """What it becomes."""


EXPLAINED = (Config, RetrainCommand, StudyConfig)  # what a flow is told on the command line
SETTINGS = (*EXPLAINED, PredictConfig, ExportConfig, ServeCommand, PruneConfig)


def as_config(told: BaseModel, kind: type[C]) -> C:
    """A configuration of another kind, told the same; what was not given is its own default."""
    given = told.model_dump(include=set(kind.model_fields), exclude_unset=True)
    return kind.model_validate(given)
