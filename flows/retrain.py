"""Retrain when labelled images have arrived, and put the new model into use if it is better.

python flows/retrain.py --inbox inbox
python flows/retrain.py status
python flows/retrain.py review
python flows/retrain.py approve monday.npz --why "a new scanner"
"""

if __name__ == "__main__":  # before the imports, which take seconds
    from startup import begin

    begin()

import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flows.cli import call_flow, run_command
from flows.cli_types import in_one_sentence
from flows.config import RetrainCommand, RetrainConfig, ReviewConfig, as_config
from flows.main import experiment
from flows.prune import prune
from flows.run import Ended, exclusive, load_data, pipeline_flow
from flows.transfers import Transfer, prepare
from tasks.arrivals.batch import Batch, count_parts, read_notes
from tasks.arrivals.inbox import open_inbox
from tasks.arrivals.review import decide
from tasks.challenge import challenge
from tasks.collect import collect
from tasks.data.mnist import dataset_sha256
from tasks.data.names import shown_names
from tasks.data.read import find_source
from tasks.errors import InputError
from tasks.export import export
from tasks.extend import extend
from tasks.foresee import foresee
from tasks.registry.decision import Bounds
from tasks.registry.portable import sampled
from tasks.registry.registry import Registry, only_model
from tasks.registry.version import HELD_OUT, Candidate, Version, lineage_digest
from tasks.reporting.folder import show
from tasks.reporting.page import fill
from tasks.reporting.review import write_page
from tasks.reshape import reshape
from tasks.schemas.images import ClassName, LabelledImages
from tasks.schemas.references import Dataset, Split
from tasks.storage.source import source_sha256
from tasks.storage.stages import current_store, get_run_logger, uncached_stage
from tasks.storage.store import Store, writable_store

SCHEDULE = "schedule"  # has the cron string of `flows/serve.py`
PATIENCE = timedelta(hours=3)  # for a retraining that is due to end well
TRAINING_SETTINGS = {"classes", "base_classes", "seed", "recipes", "precision", "base_epochs"}
TRAINING_SETTINGS |= {"head_epochs", "refuse_own", "folds"}
DECISIVE_SETTINGS = TRAINING_SETTINGS | {"model"} | set(Bounds.model_fields)
MEASURED = {"accuracy", "errors", "log_loss", "calibration_error"}
TRAINING_STAGES = (
    *("hold_out", "train_base", "extract_features", "transfer_two_node", "transfer_one_node"),
    *("calibrate", "evaluate_refusal", "export"),
)


@uncached_stage("promote")
def promote(registry: Registry, winner: Version) -> None:
    """Promote a version that won before the last run was killed."""
    registry.promote(winner)


@pipeline_flow("digit-retraining")
def retrain(config: RetrainConfig) -> Ended:
    """Take in what has arrived, train on all of it, and let the new model challenge the old.

    Completed with the decision; Cached or Skipped where nothing changed or could win; InputError.
    """
    source, data, fitted = load_data(config, config.seed)
    registry = Registry(current_store(), config.registry, fitted.registered_name)
    check_champion(registry, fitted, data)
    arrivals = collect(registry, config.inbox, data, config.settle, config.hold_out)
    lineage = trace(fitted, data.images, arrivals.used)
    known = registry.with_lineage(lineage_digest(lineage))
    if known:
        return nothing_new(registry, known)
    images = reshape(extend(data.images, arrivals.used))
    parts = count_parts(current_store(), data.images.test, arrivals.used)
    whole = data.model_copy(update={"images": images, "parts": parts})
    prepared, is_base = prepare(fitted, whole), config.model == "base"
    held_out = (prepared.base.labelled if is_base else prepared.subset).test
    prospect = foresee(registry, held_out)
    if not (prospect.can_win or config.train_anyway or config.prefer == "newer"):
        line = f"{prospect.sentence}; nothing was trained, which --train-anyway would"
        return Ended(line, "Skipped")
    transfers, report = experiment(config, fitted, source, prepared)
    candidate = nominate(fitted, transfers[-1], report, data, held_out, lineage)
    champion = registry.champion()
    if champion and champion.sha256 == candidate.sha256:
        return Ended(f"the new model is version {champion.number}, which is in use", "Cached")
    tested = prepared.learned if is_base else prepared.chosen
    decision = challenge(registry, candidate, held_out, whole, tested, config)
    if config.keep:
        removed = prune(current_store(), config.keep)
        get_run_logger().info("removed of earlier runs: %s", "; ".join(removed))
    return Ended(decision)


def nothing_new(registry: Registry, known: Version) -> Ended:
    """The end of a retraining of which all is known, once its version is promoted if it won."""
    if registry.awaits_promotion(known):
        promote(registry, known)
        return Ended(f"version {known.number} won before the last run was killed")
    line = f"nothing has changed since version {known.number}, so nothing was trained"
    champion = registry.champion()
    if champion and champion.number > known.number:  # as after a batch was withdrawn
        line += f"; version {champion.number}, in use, has other data or settings: see `rollback`"
    get_run_logger().info(line)
    return Ended(line, "Cached")


def classes_in_use(config: RetrainConfig, data: LabelledImages) -> tuple[ClassName, ...]:
    """What the outputs of the model are called that is put into use."""
    if config.model == "base":
        return config.classes_of_the_base(data.classes, config.classes)
    return config.classes


def check_champion(registry: Registry, config: RetrainConfig, data: LabelledImages) -> None:
    """Raise InputError if the champion's classes, pictures or held-out images are others."""
    champion = registry.champion()
    if champion is None:
        return
    held_out = HELD_OUT.format(**config.model_dump())
    for what, then, now in (
        ("classes", shown_names(champion.classes), shown_names(classes_in_use(config, data))),
        ("preparation of pictures", champion.preparation, data.preparation),
        ("choice of held-out images", champion.held_out or held_out, held_out),
    ):
        if then != now:
            raise InputError(
                f"the {what} is another than that of the champion of {registry.name}: {now}, and "
                f"was {then}; give the settings that it was trained with, or another --artifacts"
            )


def trace(
    config: RetrainConfig, published: Dataset, batches: tuple[Batch, ...]
) -> dict[str, object]:
    """What a model is made of: digests of all data, the settings that matter, and the source."""
    base = config.base_dataset
    return {
        "dataset": dataset_sha256(published),
        "base_dataset": base and find_source(base, config.seed).sha256,
        "batches": [batch.sha256 for batch in batches],
        "config": config.model_dump(mode="json", include=DECISIVE_SETTINGS),
        "source": {name: source_sha256(f"tasks.{name}") for name in TRAINING_STAGES},
    }


def nominate(
    config: RetrainConfig,
    transfer: Transfer,
    report: Path,
    data: LabelledImages,
    held_out: Split,
    lineage: Mapping[str, Any],
) -> Candidate:
    """The model of an experiment that is to be put into use, with all that belongs to it."""
    store = current_store()
    results = {result.trained.name: result for result in (transfer.base, *transfer.heads)}
    result = results[config.model_in_use]
    trained, scores = result.trained, result.evaluation.scores
    refusals = {one.model: one.file for one in transfer.refusals.models}
    file = refusals[trained.name] or trained.model
    portable, images = export(file, classes_in_use(config, data)), store.array(held_out.inputs)
    metrics = json.loads((report / "metrics.json").read_text(encoding="utf-8"))
    about = {"name": config.registered_name, "model": trained.name, "preparation": data.preparation}
    return Candidate(
        model=store.verified(portable),
        sha256=portable.sha256,
        network=store.verified(file),
        network_sha256=file.sha256,
        classes=classes_in_use(config, data),
        preparation=data.preparation,
        params=config.model_dump(mode="json"),
        metrics={"images": scores.n} | scores.model_dump(include=MEASURED),
        lineage=lineage,
        report=report,
        card=fill("card.md.jinja", metrics | about, {}),
        sample=images[sampled(images)],
    )


@pipeline_flow("digit-review")
def review(config: ReviewConfig) -> Ended:
    """Do what a person decides on a batch, and show all batches; InputError if that cannot be."""
    said, table = carry_out(current_store(), config)
    show("review", f"{said}\n\n{table}", "All batches.")
    return Ended(said)


def carry_out(store: Store, config: ReviewConfig) -> tuple[str, str]:
    """What was decided and where the pictures lie, in sentences, and a table of all batches."""
    said = ""
    if config.action != "review":
        note = decide(store, config.action, config.batch, config.why)
        said = f"{note.batch.title} is {note.state} now. "
    if config.action == "withdraw":
        said += (
            "A model in use that learned from it stays in use until `rollback` or a better one. "
        )
    notes = read_notes(store)
    waiting = sum(note.state == "waiting" for note in notes)
    place = write_page(store, notes)
    said += f"Batches that wait for a decision: {waiting}; pictures: {place}"
    return said, fill("batches.md.jinja", {"notes": notes}, {}).rstrip("\n")


def act(command: RetrainCommand) -> None:
    """Do what the command line asks for."""
    config = as_config(command, RetrainConfig)
    if command.action == "run":
        if "inbox" not in config.model_fields_set:
            Path(config.inbox).mkdir(exist_ok=True)
        open_inbox(config.inbox)
        call_flow(retrain, config)
    elif command.action in ("status", "rollback"):
        ask_registry(config, is_rollback=command.action == "rollback")
    else:
        with in_one_sentence():
            decision = as_config(command, ReviewConfig)
        store = writable_store(config.artifacts)
        with exclusive(store, config.wait, print):
            print(*reversed(carry_out(store, decision)), sep="\n\n")


def ask_registry(config: RetrainConfig, *, is_rollback: bool) -> None:
    """Print who is champion and challenger, or go back to the champion before."""
    store = Store.at(config.artifacts)
    is_named = config.classes or config.model == "base"
    name = config.registered_name if is_named else only_model(store, config.registry)
    registry = Registry(store, config.registry, name)
    if is_rollback:
        with exclusive(store, config.wait, print):
            before, now = registry.rollback()
        print(f"version {now.number} is the champion again, in the place of {before.number}")
    else:
        print(describe_registry(registry), describe_schedule(store), sep="\n\n")


def describe_registry(registry: Registry) -> str:
    """Champion and challenger side by side, and how it came to that, as plain text."""
    versions = {"champion": registry.champion(), "challenger": registry.challenger()}
    about = {"name": registry.name, "looks": registry.looks()}
    return fill("status.txt.jinja", versions | about, {}).strip()


def describe_schedule(store: Store) -> str:
    """When the last retraining ended well, and whether the schedule asked for another since."""
    from cronsim import CronSim, CronSimError

    told: dict[str, Any] = {"ended": None, "is_late": False}
    with suppress(OSError, ValueError, TypeError, CronSimError):  # there is none
        told["ended"] = datetime.fromisoformat(store.read("ended/RetrainConfig").decode())
        told["cron"] = store.read(SCHEDULE).decode()
        told["due"] = next(CronSim(told["cron"], told["ended"]))
        told["is_late"] = datetime.now(UTC) - told["due"] > PATIENCE
    return fill("schedule.txt.jinja", told, {}).strip()


if __name__ == "__main__":
    sys.exit(run_command(RetrainConfig.script, __doc__, RetrainCommand, act))
