"""The transfers of an experiment: a base by each recipe, its heads, and what they refuse."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from flows.config import Config, RunConfig
from tasks.calibrate import calibrate
from tasks.data.names import positions
from tasks.data.read import find_source
from tasks.evaluate import evaluate
from tasks.evaluate_refusal import evaluate_refusal
from tasks.extract_features import extract_features
from tasks.extract_unknown import extract_unknown
from tasks.filter import filter_classes
from tasks.hold_out import hold_out
from tasks.load import load
from tasks.networks.recipe import Recipe, Training
from tasks.one_hot import one_hot
from tasks.reshape import reshape
from tasks.schemas.images import ClassName, LabelledImages
from tasks.schemas.references import ArrayReference, Dataset
from tasks.schemas.results import Refusals, Result
from tasks.schemas.training import Fold, HeldOut, TrainedModel, TrainingData
from tasks.storage.stages import by_fold, by_recipe
from tasks.train_base import train_base
from tasks.transfer_one_node import transfer_one_node
from tasks.transfer_two_node import transfer_two_node

ONE_ATTEMPT = "as published, one attempt"
NONE_YET = Refusals(models=())
UNGATED = {"gated": False}  # a dead network says of its fold that nothing is sure


def load_base_data(config: RunConfig, seed: int, data: LabelledImages) -> LabelledImages:
    """Images (n, h, w, channels) the base may learn: `data`, or others; InputError if unusable."""
    if config.base_dataset is None:
        return data
    reading = config.reading.model_copy(update={"preparation": data.preparation})
    other = load(find_source(config.base_dataset, seed, reading))
    return other.model_copy(update={"images": reshape(other.images)})


@dataclass(frozen=True)
class BaseData:
    """Images (n, h, w, channels) of the classes that the base learns, and no others."""

    images: Dataset  # with the positions of their classes
    labelled: Dataset  # the same, with one-hot labels
    classes: tuple[ClassName, ...]
    held_out: HeldOut
    handwriting: bool
    copies: int  # of each image, distorted

    def train(self, recipe: Recipe, seed: int, fold: ArrayReference | None = None) -> TrainedModel:
        """The base model by a recipe; or one that is trained without a fold, healthy or not."""
        training = recipe.base.model_copy(update=UNGATED) if fold else recipe.base
        split, held_out = self.labelled.train, fold or self.held_out.always
        data = TrainingData(split=split, classes=self.classes, held_out=held_out)
        return train_base(data, recipe.scaling, training, seed, not self.handwriting)

    def train_folds(self, recipe: Recipe, seed: int) -> tuple[Fold, ...]:
        """Base models by a recipe, each without one of the folds, if there are any."""
        return tuple(
            Fold(trained=self.train(recipe, seed, fold), split=self.labelled.train, held_out=fold)
            for fold in by_fold(self.held_out.folds)
        )


def for_the_base(config: RunConfig, data: LabelledImages, chosen: Sequence[ClassName]) -> BaseData:
    """What the base learns; InputError if it is fewer than two classes, or the data lack one."""
    classes = config.classes_of_the_base(data.classes, chosen)
    learned, is_all = positions(classes, data.classes), classes == data.classes
    images = data.images if is_all else filter_classes(data.images, learned)
    held_out, labelled = hold_out(data, learned, config.folds), one_hot(images, len(classes))
    return BaseData(images, labelled, classes, held_out, data.preparation.handwriting, data.copies)


@dataclass(frozen=True)
class Data:
    """Images (n, h, w, channels) to train on; those of `subset` have one-hot labels."""

    whole: LabelledImages
    base: BaseData
    subset: Dataset
    held_out: HeldOut  # of the subset's training images: they calibrate the heads
    chosen: tuple[int, ...]  # the subset's classes among all
    learned: tuple[int, ...]  # those among all that bases learn from the same images
    nodes: tuple[int, ...]  # the bases' nodes of the subset's classes, if they learn all of them


def prepare(config: Config, whole: LabelledImages) -> Data:
    """The images of a base and of a subset, from images (n, h, w, channels) of all classes."""
    base = for_the_base(config, load_base_data(config, config.seed, whole), config.classes)
    chosen = positions(config.classes, whole.classes)
    learned = () if config.base_dataset else positions(base.classes, whole.classes)
    knows_all = set(chosen) <= set(learned)
    return Data(
        whole=whole,
        base=base,
        subset=one_hot(filter_classes(whole.images, chosen), len(chosen)),
        held_out=hold_out(whole, chosen, config.folds),
        chosen=chosen,
        learned=learned,
        nodes=tuple(map(learned.index, chosen)) if knows_all else (),
    )


@dataclass(frozen=True)
class Transfer:
    """What came of one recipe: its base, the subset's features, and the heads on them."""

    name: str
    recipe: Recipe
    base: Result
    features: Dataset
    heads: list[Result]
    refusals: Refusals = NONE_YET


def train_and_transfer(name: str, recipe: Recipe, data: Data, config: Config) -> Transfer:
    """One recipe: the base model, its transfers, and how each does on the test images."""
    with by_recipe(name):
        base = data.base.train(recipe, config.seed)
        folds = data.base.train_folds(recipe, config.seed)
        base = calibrate(base, folds) if folds else base
        features = extract_features(base, data.subset)
        views = see_folds(base, features, folds, data)
        whole = Fold(trained=base, split=features.train, held_out=data.held_out.always)
        heads = train_heads(whole, recipe.head, config)
        if data.held_out.folds:
            heads = calibrate_heads(heads, views, recipe.head, config)
        result = score_on(name, base, data.base.labelled, recipe.base)
        results = [score_on(name, head, features, recipe.head) for head in heads]
        transfer = Transfer(name, recipe, result, features, results)
        return replace(transfer, refusals=refuse(transfer, folds, views, data, config.refuse_own))


def see_folds(
    base: TrainedModel, features: Dataset, folds: Sequence[Fold], data: Data
) -> tuple[Fold, ...]:
    """The subset's features by bases that did not see one of its folds: by one, if it saw none."""
    masks = data.held_out.folds or (data.held_out.always,)
    bases, seen = [base] * len(masks), [features] * len(masks)
    if folds and not set(data.chosen).isdisjoint(data.learned):
        bases = [fold.trained for fold in folds]
        seen = [extract_features(one, data.subset) for one in by_fold(bases)]
    return tuple(
        Fold(trained=one, split=view.train, held_out=mask)
        for one, view, mask in zip(bases, seen, masks, strict=True)
    )


def train_heads(view: Fold, training: Training, config: Config) -> list[TrainedModel]:
    """The heads that can tell the classes apart, trained on a base's features."""
    classes = config.classes
    told = TrainingData(split=view.split, classes=classes, held_out=view.held_out)
    stages = (transfer_two_node, transfer_one_node)[: 2 if len(classes) == 2 else 1]
    return [transfer(view.trained, told, training, config.seed) for transfer in stages]


def calibrate_heads(
    heads: Sequence[TrainedModel], views: Sequence[Fold], training: Training, config: Config
) -> list[TrainedModel]:
    """The heads, calibrated by others that did not see one of the folds."""
    training = training.model_copy(update=UNGATED)
    others = [train_heads(view, training, config) for view in by_fold(views)]
    folds = [
        [view.model_copy(update={"trained": head}) for head in of_view]
        for view, of_view in zip(views, others, strict=True)
    ]
    return [calibrate(*one) for one in zip(heads, zip(*folds, strict=True), strict=True)]


def score_on(recipe: str, trained: TrainedModel, images: Dataset, training: Training) -> Result:
    """A model by a recipe, and how it does on the test images, or on their features."""
    evaluation = evaluate(trained, images.test, training)
    return Result(recipe=recipe, trained=trained, evaluation=evaluation)


def as_published(transfer: Transfer, data: Data, config: Config) -> list[Result]:
    """The notebook's models as it made them: from their first initialisations, dead or not."""
    if transfer.name != "notebook":
        return []
    recipe, attempt = transfer.recipe, {"attempts": 1, "gated": False}
    base, features = transfer.base, transfer.features
    if len(base.trained.attempts) > 1:
        once = recipe.model_copy(update={"base": recipe.base.model_copy(update=attempt)})
        trained = data.base.train(once, config.seed)
        base = score_on(ONE_ATTEMPT, trained, data.base.labelled, recipe.base)
        features = extract_features(trained, data.subset)
    training = recipe.head.model_copy(update=attempt)
    whole = Fold(trained=base.trained, split=features.train, held_out=data.held_out.always)
    heads = train_heads(whole, training, config)
    scored = [score_on(ONE_ATTEMPT, head, features, training) for head in heads]
    return [base.model_copy(update={"recipe": ONE_ATTEMPT}), *scored]


def refuse(
    transfer: Transfer, folds: tuple[Fold, ...], views: tuple[Fold, ...], data: Data, share: float
) -> Refusals:
    """What the base and its heads refuse of images that are not theirs."""
    base, heads = transfer.base.trained, [head.trained for head in transfer.heads]
    of_base, nodes = data.base, tuple(range(len(data.base.classes)))
    images, own = (data.whole.images, data.learned) if data.learned else (of_base.images, nodes)
    unknown = extract_unknown(base, images, own, own)
    whole = Fold(trained=base, split=of_base.labelled.train, held_out=of_base.held_out.always)
    told = folds or (whole,), nodes, unknown, share, of_base.copies
    by_base = evaluate_refusal(base, [base], of_base.labelled, *told)
    unknown = extract_unknown(base, data.whole.images, data.chosen, data.learned)
    told = views, data.nodes, unknown, share, data.whole.copies
    by_heads = evaluate_refusal(base, heads, transfer.features, *told)
    return Refusals(models=by_base.models + by_heads.models)
