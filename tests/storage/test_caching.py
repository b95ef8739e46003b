import ast
import json
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import pytest
from pydantic import ValidationError

from tasks.schemas.references import ModelReference
from tasks.schemas.training import Attempt, History, TrainedModel
from tasks.storage import source, stages
from tasks.storage.files import replace
from tasks.storage.records import read_record, write_record
from tasks.storage.source import PROJECT, UNDECISIVE
from tasks.storage.stages import cache_key, decisive
from tasks.storage.store import DamagedError, write_checksummed

WEIGHTS = sha256(b"weights").hexdigest()


def trained(weights: str = "w", path: str = "m.keras", seconds: float = 1.0) -> TrainedModel:
    attempt = Attempt(seed=0, history=History(seconds=seconds), outcome="learned")
    model = ModelReference(
        path=path, sha256=path, weights_sha256=weights, parameters=3, trainable_parameters=2
    )
    return TrainedModel(
        name="base", model=model, attempts=(attempt,), temperature=1.5, precision="float32"
    )


def digests(module: str, root: Path) -> dict[str, str]:
    """As they are now: a process reads each file once."""
    for kept in (source.source_digests, source._parsed, source._digest, source._imported):
        kept.cache_clear()
    return source.source_digests(module, root)


def key(inputs, module="tasks.reshape", name="a-task"):
    return cache_key(decisive(name, module, inputs))


class TestInputs:
    def test_a_model_is_its_weights(self):
        assert key({"base": trained("w", "a", 1.0)}) == key({"base": trained("w", "b", 2.0)})

    def test_other_weights_are_another_input(self):
        assert key({"base": trained("w")}) != key({"base": trained("v")})

    def test_the_order_in_which_they_are_named_does_not(self):
        assert key({"a": 1, "b": 2}) == key({"b": 2, "a": 1})

    def test_names_matter(self):
        assert key({"a": 1, "b": 2}) != key({"a": 2, "b": 1})


class TestSource:
    @pytest.fixture
    def project(self, tmp_path):
        package = tmp_path / "tasks"
        (package / "room").mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "room" / "__init__.py").touch()
        (package / "stage.py").write_text("from tasks.room import middle\nimport numpy\n")
        (package / "room" / "middle.py").write_text("def f():\n    import tasks.far\n")
        (package / "far.py").write_text("x = 1\n")
        (package / "unrelated.py").write_text("y = 1\n")
        return tmp_path

    @pytest.mark.parametrize("edited", ["stage", "room/middle", "far"])
    def test_what_is_imported_transitively_counts(self, project, edited):
        before = digests("tasks.stage", project)
        path = project / "tasks" / f"{edited}.py"
        path.write_text(path.read_text() + "edited = 1\n")
        now = digests("tasks.stage", project)
        assert [name for name in now if now[name] != before[name]] == [f"tasks/{edited}.py"]

    @pytest.mark.parametrize(
        "edit", ["# why\n", '"""What."""\n', "log.info('%d', 1)\n", "self._log.warning('!')\n"]
    )
    def test_a_comment_a_docstring_and_a_log_statement_do_not(self, project, edit):
        path = project / "tasks" / "far.py"
        path.write_text("log.info('seen')\n")
        before = digests("tasks.stage", project)
        path.write_text(edit)
        assert digests("tasks.stage", project) == before

    def test_a_package_has_nothing_that_could(self):
        for package in PROJECT.glob("tasks/**/__init__.py"):
            assert ast.unparse(ast.parse(package.read_text()).body[1:]) == ""

    def test_what_is_not_imported_does_not(self, project):
        before = digests("tasks.stage", project)
        (project / "tasks" / "unrelated.py").write_text("y = 2\n")
        assert digests("tasks.stage", project) == before

    @pytest.mark.parametrize("path", UNDECISIVE)
    def test_what_decides_no_result_does_not_either(self, project, path):
        file = project / (f"{path}store.py" if path.endswith("/") else path)
        file.parent.mkdir(exist_ok=True)
        file.write_text("from tasks import unrelated\n")
        module = ".".join(file.relative_to(project).with_suffix("").parts)
        stage = project / "tasks" / "stage.py"
        stage.write_text(f"import {module}\n{stage.read_text()}")
        before = digests("tasks.stage", project)
        file.write_text("from tasks import unrelated  # edited\nedited = 1\n")
        (project / "tasks" / "unrelated.py").write_text("y = 2\n")
        assert digests("tasks.stage", project) == before

    def test_what_decides_no_result_exists(self):
        assert [path for path in UNDECISIVE if not (PROJECT / path).exists()] == []

    def test_the_key_is_of_the_tasks_name_and_module(self, monkeypatch):
        before = key({})
        assert key({}) == before
        assert key({}, name="another-task") != before
        assert key({}, module="tasks.filter") != before
        monkeypatch.setattr(stages, "source_digests", {"tasks.reshape": "edited"}.get)
        assert key({}) != before


@pytest.mark.parametrize("library", ["keras", "tensorflow", "numpy"])
def test_a_version_changes_the_key(monkeypatch, library):
    before = key({})
    monkeypatch.setattr(stages, "version", lambda name: "0" if name == library else version(name))
    stages.versions.cache_clear()
    try:
        assert key({}) != before
    finally:
        stages.versions.cache_clear()


class TestRecords:
    @pytest.fixture
    def whole(self, store):
        """A record of a model whose file is there."""
        with store.temporary("m.keras") as file:
            file.write_bytes(b"weights")
            replace(file, store.root / "m.keras")
        return trained().model_copy(
            update={"model": trained().model.model_copy(update={"sha256": WEIGHTS})}
        )

    def test_a_record_comes_back_as_it_was(self, store, whole):
        write_record(store, whole, {"stage": "any"})
        assert read_record(store, cache_key({"stage": "any"})) == whole

    def test_a_file_that_it_refers_to_is_checked(self, store, whole):
        write_record(store, whole, {"stage": "any"})
        (store.root / "m.keras").write_bytes(b"others")
        with pytest.raises(DamagedError, match=r"m\.keras is missing or is not what was stored"):
            read_record(store, cache_key({"stage": "any"}))

    def test_only_our_own_records_come_to_life(self, store):
        write_checksummed(store, "records/a", b'["pathlib.Path", {}, {}]')
        with pytest.raises(KeyError, match=r"pathlib\.Path"):
            read_record(store, "a")

    @pytest.mark.parametrize("path", ["/etc/passwd", "../elsewhere.npy", "models/../../a.keras"])
    def test_no_record_points_out_of_the_store(self, store, path):
        fields = trained().model_dump(mode="json")
        fields["model"]["path"] = path
        content = json.dumps(["TrainedModel", fields, {}]).encode()
        write_checksummed(store, "records/a", content)
        with pytest.raises(ValidationError, match="does not lie in the store"):
            read_record(store, "a")
