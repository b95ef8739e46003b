"""What each cached stage depends on: an edit of anything else computes it nowhere again."""

from pathlib import Path

import pytest

from tasks.storage.source import PROJECT, reachable

SCHEMAS = "images references training"
TRAINING = "architecture attempts epochs health inference losses recipe training"
MODULES = {
    "calibrate": {"networks": "inference losses", "schemas": SCHEMAS},
    "compare": {
        "data": "idx mnist names splits",
        "networks": "architecture epochs recipe",
        "plots": "curves images style",
        "reporting/experiment": "analysis benefit",
        "reporting": "page",
        "schemas": "images references results training",
        "statistics": "estimates paired",
    },
    "evaluate": {
        "networks": "inference losses recipe",
        "schemas": "images references results training",
        "statistics": "estimates",
    },
    "evaluate_refusal": {
        "networks": "inference refusal",
        "schemas": "images references results training",
        "statistics": "estimates",
    },
    "export": {"networks": "export inference", "schemas": "images references"},
    "extend": {"arrivals": "batch", "schemas": "events images references"},
    "extract_features": {"data": "splits", "networks": "inference", "schemas": SCHEMAS},
    "extract_unknown": {"networks": "inference", "schemas": "images references results training"},
    "filter": {"data": "splits", "schemas": "references"},
    "find_overlap": {"data": "near", "schemas": "references"},
    "hold_out": {"data": "held_out splits", "schemas": SCHEMAS},
    "label_efficiency": {
        "networks": "approaches architecture epochs health inference losses recipe training",
        "schemas": "images references results training",
    },
    "load": {
        "data": "arrays digits folder handwriting held_out idx mnist names pictures "
        "read source splits",
        "schemas": "images references",
    },
    "one_hot": {"data": "splits", "schemas": "references"},
    "reshape": {"schemas": "images references"},
    "train_base": {"networks": TRAINING, "schemas": SCHEMAS},
    "transfer_one_node": {"networks": f"{TRAINING} transfer", "schemas": SCHEMAS},
    "transfer_two_node": {"networks": f"{TRAINING} transfer", "schemas": SCHEMAS},
}
# Folders of templates and styles.
TEXTS = {"compare": "plots reporting reporting/experiment"}


@pytest.mark.parametrize(("stage", "rooms"), MODULES.items())
def test_a_stage_depends_on_these_modules_alone(stage, rooms):
    modules = [f"{room}/{name}" for room, names in rooms.items() for name in names.split()]
    found = {path.relative_to(PROJECT / "tasks") for path in reachable(f"tasks.{stage}")}
    sources = {path for path in found if path.suffix == ".py"}
    assert sources == {Path(f"{name}.py") for name in (*modules, stage)}
    assert {str(path.parent) for path in found - sources} == set(TEXTS.get(stage, "").split())


def test_a_base_depends_on_twelve():
    assert len(reachable("tasks.train_base")) == 12


def test_no_cached_stage_is_missing():
    stages = (PROJECT / "tasks").glob("*.py")
    assert {path.stem for path in stages if "\n@stage(" in path.read_text()} == MODULES.keys()
