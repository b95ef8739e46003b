"""Which former result is the nearest, and how what is another than at that is said."""

import pytest

from benchmarks.explained import UNKNOWN, Happened, Outcome, Said, is_right
from tasks.schemas.references import Record
from tasks.storage.reasons import NotStoredError, differences, stored
from tasks.storage.records import write_record
from tasks.storage.store import Store


class Counted(Record):
    number: int


def decided(**inputs: object) -> dict[str, object]:
    return {"stage": "evaluate", "inputs": inputs, "source": {}, "versions": {}}


def model(name: str, weights: str, parameters: int) -> dict[str, object]:
    return {"name": name, "weights": weights * 64, "of": {"all": {"parameters": [parameters]}}}


def stand_in(store: Store, now: dict[str, object]) -> Record | None:
    with pytest.raises(NotStoredError) as missing:
        stored(store, now, (), ())
    return missing.value.stand_in


def test_settings_are_told_before_what_was_computed():
    before = decided(trained=model("base", "a", 1), data="a" * 64, epochs=3)
    now = decided(trained=model("base", "b", 2), data="b" * 64, epochs=4)
    told, _ = differences(before, now)
    assert told == "epochs 3 -> 4, trained has other content, data has other content"


def test_results_of_others_are_content_however_many_numbers_they_are():
    before, now = (decided(found=[{"of": [{"n": n, "m": n}]}], share=n / 10) for n in (1, 2))
    assert differences(before, now)[0] == "share 0.1 -> 0.2, found has other content"


def test_the_nearest_has_the_same_settings_whatever_was_computed(store):
    write_record(store, Counted(number=1), decided(trained=model("base", "a", 1)))
    write_record(store, Counted(number=2), decided(trained=model("head", "b", 2)))
    assert stand_in(store, decided(trained=model("base", "b", 2))) == Counted(number=1)


def test_a_number_of_folds_on_which_it_depends_what_follows_has_no_stand_in(store):
    write_record(store, Counted(number=1), decided(folds=0, data="a" * 64))
    assert stand_in(store, decided(folds=0, data="b" * 64)) == Counted(number=1)
    assert stand_in(store, decided(folds=2, data="a" * 64)) is None


@pytest.mark.parametrize(
    ("fate", "said", "state", "logged", "right"),
    [
        ("cached", "", "Cached", "", True),
        ("cached", "", "Completed", "seed 0 -> 1", False),
        ("runs", "seed 0 -> 1", "Completed", "seed 0 -> 1", True),
        ("runs", "seed 0 -> 1", "Completed", "seed 0 -> 1, data has other content", True),
        ("runs", "seed 0 -> 1", "Completed", "seed 0 -> 1, epochs 2 -> 3", False),
        ("runs", "seed 0 -> 1", "Completed", "", False),
        ("runs", "seed 0 -> 1", "Cached", "", False),
        ("runs", UNKNOWN, "Completed", "", True),
        ("may run", "if load comes out otherwise", "Cached", "", True),
        ("may run", "if load comes out otherwise", "Completed", "", False),
    ],
)
def test_the_benchmark_finds_what_was_said_wrongly(fate, said, state, logged, right):
    assert is_right(Said("filter", fate, said), Happened("filter", state, logged)) is right


def test_the_benchmark_finds_that_a_stage_was_not_told():
    said, happened = Said("load", "cached", ""), Happened("load", "Cached")
    assert not Outcome([said], [happened]).flaw(matters=False)
    assert Outcome([said], [happened, happened]).flaw(matters=False)
    assert Outcome([said], [happened]).flaw(matters=True)
