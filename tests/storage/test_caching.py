from importlib.metadata import version
from types import SimpleNamespace

import pytest

from tasks.schemas.references import ModelReference
from tasks.schemas.training import Attempt, History, TrainedModel
from tasks.storage import stages
from tasks.storage.records import RecordSerializer
from tasks.storage.source import PROJECT, UNDECISIVE, source_sha256
from tasks.storage.stages import CACHED


def trained(weights: str = "w", path: str = "m.keras", seconds: float = 1.0) -> TrainedModel:
    attempt = Attempt(seed=0, history=History(seconds=seconds), outcome="learned")
    model = ModelReference(
        path=path, sha256=path, weights_sha256=weights, parameters=3, trainable_parameters=2
    )
    return TrainedModel(
        name="base", model=model, attempts=(attempt,), temperature=1.5, precision="float32"
    )


def key(inputs, module="tasks.reshape", name="a-task"):
    context = SimpleNamespace(
        task=SimpleNamespace(name=name, fn=SimpleNamespace(__module__=module))
    )
    return CACHED.compute_key(task_ctx=context, inputs=inputs, flow_parameters={})


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

    @pytest.mark.parametrize("edited", ["stage", "room/middle", "far", "room/__init__"])
    def test_what_is_imported_transitively_counts(self, project, edited):
        before = source_sha256.__wrapped__("tasks.stage", project)
        path = project / "tasks" / f"{edited}.py"
        path.write_text(path.read_text() + "# edited\n")
        assert source_sha256.__wrapped__("tasks.stage", project) != before

    def test_what_is_not_imported_does_not(self, project):
        before = source_sha256.__wrapped__("tasks.stage", project)
        (project / "tasks" / "unrelated.py").write_text("y = 2\n")
        assert source_sha256.__wrapped__("tasks.stage", project) == before

    @pytest.mark.parametrize("path", UNDECISIVE)
    def test_what_decides_no_result_does_not_either(self, project, path):
        file = project / (f"{path}store.py" if path.endswith("/") else path)
        file.parent.mkdir(exist_ok=True)
        file.write_text("from tasks import unrelated\n")
        module = ".".join(file.relative_to(project).with_suffix("").parts)
        stage = project / "tasks" / "stage.py"
        stage.write_text(f"import {module}\n{stage.read_text()}")
        before = source_sha256.__wrapped__("tasks.stage", project)
        file.write_text("from tasks import unrelated  # edited\n")
        (project / "tasks" / "unrelated.py").write_text("y = 2\n")
        assert source_sha256.__wrapped__("tasks.stage", project) == before

    def test_what_decides_no_result_exists(self):
        assert [path for path in UNDECISIVE if not (PROJECT / path).exists()] == []

    def test_the_key_is_of_the_tasks_name_and_module(self, monkeypatch):
        before = key({})
        assert key({}) == before
        assert key({}, name="another-task") != before
        assert key({}, module="tasks.filter") != before
        monkeypatch.setattr(stages, "source_sha256", {"tasks.reshape": "edited"}.get)
        assert key({}) != before


@pytest.mark.parametrize("library", ["keras", "tensorflow", "numpy"])
def test_a_version_changes_the_key(monkeypatch, library):
    before = key({})
    monkeypatch.setattr(stages, "version", lambda name: "0" if name == library else version(name))
    assert key({}) != before


class TestRecordSerializer:
    def test_a_record_comes_back_as_it_was(self):
        serializer = RecordSerializer()
        assert serializer.loads(serializer.dumps(trained())) == trained()
