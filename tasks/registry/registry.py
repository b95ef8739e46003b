"""Models as versions in an MLflow registry, two of which are called champion and challenger.

Nothing but the alias `champion` says who is champion. It moves last, once all that belongs to the
version is written, and in one transaction: a run that is killed leaves one whole champion.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.errors import InputError
from tasks.registry import connection
from tasks.registry.connection import MODEL, NETWORK, RUNNING, SAMPLE, database, files
from tasks.registry.decision import Decision
from tasks.registry.portable import save_mlflow_model
from tasks.registry.version import HELD_OUT, Appointment, Candidate, Version, lineage_digest
from tasks.schemas.events import Event
from tasks.schemas.references import Pixels
from tasks.storage.files import disk_fault, disk_of, is_intact, replace
from tasks.storage.store import Store, reading

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

CHAMPION = "champion"
CHALLENGER = "challenger"


class Registry:
    """The versions of one registered model.

    Whoever writes holds the lock of the artifacts folder, or is alone on a registry elsewhere, and
    prepares it first; whoever reads makes nothing. It is opened when it is needed; InputError if it
    cannot be used, or is missing where there was one, DiskError without space.
    """

    def __init__(self, store: Store, uri: str | None, name: str) -> None:
        """The model `name`, as in `base`, at an MLflow server or its database, or in the store."""
        self.name, self._store, self._uri = name, store, uri

    @cached_property
    def _client(self) -> "MlflowClient":
        return connection.connect(self._store, self._uri)

    @property
    def address(self) -> str:
        """The tracking URI, as MLflow takes it."""
        return self._uri or connection.address(self._store)

    def prepare(self) -> None:
        """Begin a registry where there is none; the runs that a kill left running are over."""
        if self._is_own() and not connection.read_rows(database(self._store), RUNNING):
            return  # without MLflow's client, which takes seconds
        if self._uri is None:
            with connection.silent_mlflow(self._store, None):
                connection.begin(self._store)
        with self._space():
            experiments, left = [self._experiment()], "attributes.status = 'RUNNING'"
            for run in self._client.search_runs(experiments, left):
                self._client.set_terminated(run.info.run_id, "KILLED")

    def champion(self) -> Version | None:
        """The model in use."""
        if self._is_own():
            return next(self._own(connection.ALIASED, CHAMPION), None)
        return self._aliased(CHAMPION)

    def challenger(self) -> Version | None:
        """The model that was judged last, or is about to be; promoted or not."""
        return self._aliased(CHALLENGER)

    def with_lineage(self, lineage: str) -> Version | None:
        """The newest judged version of this lineage; `register` resumes one that was not."""
        if self._is_own():
            found = self._own(connection.OF_LINEAGE, lineage)
        else:
            found = map(self._read, self._search(f" and tags.lineage = '{lineage}'"))
        return next((version for version in found if version.decision), None)

    def opponents(self) -> tuple[Version, ...]:
        """Whom a challenger is judged against: champion, and the first one if its file is left."""
        champion = self.champion()
        if champion is None:
            return ()
        return (champion, *filter(self._is_left, map(self._version, champion.predecessors[:1])))

    def looks(self) -> int:
        """How many versions were judged against a champion."""
        return sum({"decision", "opponent"} <= version.tags.keys() for version in self._search())

    def awaits_promotion(self, version: Version) -> bool:
        """Whether a version won against the present champion, but a kill came in between."""
        champion, decision = self.champion(), version.decision
        has_won = decision is not None and decision.promoted and version.withdrawal is None
        return has_won and version.opponent == (champion.number if champion else None)

    def register(self, candidate: Candidate) -> Version:
        """Log a candidate and all that belongs to it as a run, and make it the challenger.

        One that was registered before a run was killed, but not judged, is not registered again.
        A model file that is not the one that was described is an `InputError`.
        """
        described = {candidate.model: candidate.sha256, candidate.network: candidate.network_sha256}
        for path, sha256 in described.items():
            if not is_intact(path, sha256):
                raise InputError(f"{path} is not what was stored; run the training again")
        with self._space():
            found = self._search(f" and tags.lineage = '{lineage_digest(candidate.lineage)}'")
            waiting = (self._read(one) for one in found if "decision" not in one.tags)
            same = (version for version in waiting if version.sha256 == candidate.sha256)
            version = next(filter(self._is_left, same), None) or self._create_version(candidate)
            self._client.set_registered_model_alias(self.name, CHALLENGER, str(version.number))
        return version

    def record(
        self, version: Version, decision: Decision, opponent: Version | None, text: str
    ) -> None:
        """Keep a decision on a version, and its text, which is Markdown.

        InputError if another than `opponent` is champion now.
        """
        self._require_champion(opponent.number if opponent else None, version)
        with disk_of(files(self._store)):
            numbers = decision.model_dump_json(indent=2)
            self._client.log_text(version.run_id, numbers, "decision.json")
            self._client.log_text(version.run_id, text, "decision.md")
        with self._space():
            self._client.update_model_version(self.name, str(version.number), description=text)
            if opponent:
                self._tag(version.number, "opponent", str(opponent.number))
            # last, as with it a version counts as judged
            self._tag(version.number, "decision", decision.model_dump_json())

    def promote(self, version: Version) -> None:
        """Make a winner champion; ValueError if it did not win, InputError if damaged or late."""
        winner, champion = self._version(version.number), self.champion()
        if winner.decision is None or not winner.decision.promoted:
            raise ValueError(f"version {version.number} was not judged better than the champion")
        if champion is None or champion.number != winner.number:
            self._require_champion(winner.opponent, winner)
            predecessors = (*champion.predecessors, champion.number) if champion else ()
            self._appoint(winner, winner.decision.reason, predecessors)

    def rollback(self) -> tuple[Version, Version]:
        """Go back to the champion before, and return both; InputError if none is left intact."""
        champion = self.champion()
        if champion is None or not champion.predecessors:
            raise InputError(f"There is no previous champion of {self.name} to go back to")
        previous = self._version(champion.predecessors[-1])
        why = f"Rolled back from version {champion.number}."
        with self._space():
            self._tag(champion.number, "withdrawal", Event.now(why).model_dump_json())
        self._appoint(previous, why, champion.predecessors[:-1])
        return champion, self._version(previous.number)

    def superseded(self, keep: int, before: datetime) -> list[Path]:
        """The files of older versions that lost, or were champion before its last predecessors.

        What is known of these versions stays: they count as looks.
        """
        champion, challenger = self.champion(), self.challenger()
        past = champion.predecessors if champion else ()
        now = {version.number for version in (champion, challenger) if version}
        kept = now | {*past[:1], *past[-keep:]}
        found = (self._read(one) for one in self._search() if int(one.version) not in kept)
        old = (version for version in found if version.created < before)
        folders = (files(self._store) / version.run_id / "artifacts" for version in old)
        return [folder for folder in folders if folder.is_dir()]

    def model_path(self, version: Version) -> Path:
        """The ONNX file of a version, once its digest was checked; InputError if it is not that."""
        return self._whole(version, MODEL, version.sha256)

    def network_path(self, version: Version) -> Path:
        """Its `.keras` file, likewise."""
        return self._whole(version, NETWORK, version.network_sha256)

    def sample(self, version: Version) -> Pixels:
        """The held-out images (n, height, width, channels) that were registered with a version."""
        path = files(self._store) / version.run_id / "artifacts" / SAMPLE
        if not path.is_file():
            self._download(version, SAMPLE, path)
        with reading(path), np.load(path, allow_pickle=False) as kept:
            return np.asarray(kept["images"])

    def _is_own(self) -> bool:
        """Whether it lies in the store, and was begun; InputError if it is damaged."""
        if self._uri is not None or not connection.is_begun(self._store):
            return False
        connection.address(self._store)
        return True

    def _own(self, query: str, value: str) -> Iterator[Version]:
        found = connection.read_versions(database(self._store), query, self.name, value)
        return map(self._made_of, found)

    def _whole(self, version: Version, file: PurePosixPath, sha256: str) -> Path:
        path, is_whole = self._fetched(version, file, sha256)
        if not is_whole:
            raise InputError(
                f"{path}, the model of {self.name} version {version.number}, is missing or is not "
                "what was registered; put it back or roll back to another version"
            )
        return path

    def _fetched(self, version: Version, file: PurePosixPath, sha256: str) -> tuple[Path, bool]:
        path = files(self._store) / version.run_id / "artifacts" / file
        if not is_intact(path, sha256):
            self._download(version, file, path)
        return path, is_intact(path, sha256)

    def _download(self, version: Version, file: PurePosixPath, path: Path) -> None:
        from mlflow.exceptions import MlflowException

        with disk_of(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with TemporaryDirectory(dir=files(self._store)) as folder:
                try:
                    found = self._client.download_artifacts(version.run_id, str(file), folder)
                    replace(Path(found), path)
                except (MlflowException, OSError) as error:  # the digest says whether it came
                    if disk_fault(error):
                        raise

    def _require_champion(self, number: int | None, judged: Version) -> None:
        champion = self.champion()
        if champion and champion.number != number:
            raise InputError(
                f"version {champion.number} of {self.name} became champion while version "
                f"{judged.number} was judged; run the retraining again, which judges it anew"
            )

    def _is_left(self, version: Version) -> bool:
        return self._fetched(version, MODEL, version.sha256)[1]

    def _space(self) -> AbstractContextManager[None]:
        return disk_of(database(self._store, self._uri))

    def _appoint(self, version: Version, why: str, predecessors: tuple[int, ...]) -> None:
        self.model_path(version)
        appointment = Appointment.now(why, predecessors=predecessors)
        with self._space():
            self._tag(version.number, "appointment", appointment.model_dump_json())
            # last, and in one transaction: MLflow's SqlAlchemyStore merges one row
            self._client.set_registered_model_alias(self.name, CHAMPION, str(version.number))

    def _logged(self, candidate: Candidate) -> "Run":
        run, status = self._client.create_run(self._experiment(), run_name=self.name), "FAILED"
        try:
            self._log(candidate, run.info.run_id)
            status = "FINISHED"
        finally:
            self._client.set_terminated(run.info.run_id, status)
        return run

    def _experiment(self) -> str:
        """The experiment whose files lie here: MLflow keeps an absolute folder for each."""
        name, here = self.name, None
        if not (self._uri or "").startswith(connection.SERVERS):  # which keep the files, too
            folder = files(self._store)
            name, here = f"{name} in {folder}", folder.as_uri()
        found = self._client.get_experiment_by_name(name)
        return found.experiment_id if found else self._client.create_experiment(name, here)

    def _log(self, candidate: Candidate, run_id: str) -> None:
        from mlflow.entities import Metric, Param

        now = round(datetime.now(UTC).timestamp() * 1000)
        metrics = [Metric(key, float(value), now, 0) for key, value in candidate.metrics.items()]
        params = [Param(key, str(value)) for key, value in candidate.params.items()]
        self._client.log_batch(run_id, metrics, params)
        with disk_of(files(self._store)), TemporaryDirectory() as folder:
            self._client.log_dict(run_id, dict(candidate.lineage), "lineage.json")
            self._client.log_artifacts(run_id, str(candidate.report), "report")
            save_mlflow_model(candidate, Path(folder) / MODEL.parent)
            (Path(folder) / NETWORK).symlink_to(candidate.network.resolve())
            self._client.log_artifacts(run_id, str(Path(folder) / MODEL.parent), str(MODEL.parent))

    def _create_version(self, candidate: Candidate) -> Version:
        """Log a run and register its files: version and tags in one transaction."""
        run = self._logged(candidate)
        if not self._models():
            self._client.create_registered_model(self.name)
        tags = {
            "sha256": candidate.sha256,
            "classes": json.dumps(candidate.classes),
            "network_sha256": candidate.network_sha256,
            "preparation": candidate.preparation.model_dump_json(),
            "held_out": HELD_OUT.format(**candidate.params),
            "lineage": lineage_digest(candidate.lineage),
        }
        source = f"{run.info.artifact_uri}/{MODEL.parent}"
        version = self._client.create_model_version(self.name, source, run.info.run_id, tags)
        return self._version(int(version.version))

    def _tag(self, number: int, key: str, value: str) -> None:
        self._client.set_model_version_tag(self.name, str(number), key, value)

    def _aliased(self, alias: str) -> Version | None:
        numbers = [model.aliases[alias] for model in self._models() if alias in model.aliases]
        return self._version(int(numbers[0])) if numbers else None

    def _models(self) -> "Sequence[RegisteredModel]":
        if self._uri is None and not connection.is_begun(self._store):
            return ()
        return self._client.search_registered_models(f"name = '{self.name}'")

    def _search(self, condition: str = "") -> "Sequence[ModelVersion]":
        query, order = f"name = '{self.name}'{condition}", ["version_number DESC"]
        return self._client.search_model_versions(query, order_by=order) if self._models() else ()

    def _version(self, number: int) -> Version:
        from mlflow.exceptions import MlflowException

        try:
            return self._read(self._client.get_model_version(self.name, str(number)))
        except MlflowException as error:
            raise InputError(
                f"Version {number} of {self.name} cannot be read from the registry: {error.message}"
            ) from error

    def _read(self, version: "ModelVersion") -> Version:
        is_ours = "lineage" in version.tags  # without which there is no run of ours to ask either
        metrics = self._client.get_run(str(version.run_id)).data.metrics if is_ours else {}
        found = {"number": version.version, "run_id": version.run_id, "metrics": metrics}
        return self._made_of(version.tags | found | {"created": version.creation_timestamp})

    def _made_of(self, found: Mapping[str, Any]) -> Version:
        try:
            return Version.model_validate(found)
        except ValueError as error:
            raise InputError(
                f"Version {found['number']} of {self.name} was not registered by this project; "
                "give another registry, or move the alias that points to it"
            ) from error


def only_model(store: Store, uri: str | None) -> str:
    """The name of the model that is registered; an `InputError` unless there is exactly one."""
    names: list[str] = []
    if uri is not None:
        found = connection.connect(store, uri).search_registered_models()
        names = sorted(model.name for model in found)
    elif connection.is_begun(store):
        connection.address(store)
        names = [name for (name,) in connection.read_rows(database(store), connection.NAMES)]
    if not names:
        raise InputError("there is no champion yet; run `python flows/retrain.py`")
    if len(names) > 1:
        raise InputError(f"there are several models; give one of --model {', '.join(names)}")
    return names[0]
