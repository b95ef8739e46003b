"""A disk that fails once: a sentence names it, nothing is half written, the next try works."""

import re
from collections.abc import Callable, Iterator
from errno import EIO, ENOSPC
from pathlib import Path
from random import Random

import numpy as np
import pytest

from benchmarks.disk_faults import Flow, find_flaw, flows, stubbed, try_fault
from benchmarks.failing_disk import FailingDisk, Fault, failing
from tasks.errors import DiskError
from tasks.reporting.folder import write_folder
from tasks.storage.store import Store, write_arrays

FAULTS = 2
WRITERS: dict[str, Callable[[Store], object]] = {
    "arrays/some.npy": lambda store: store.add_array("some", np.arange(9)),
    "pages/some.html": lambda store: store.add_text("pages/some.html", "text"),
    "notes/some": lambda store: store.write("notes/some", b"text"),
    "trials/some": lambda store: write_arrays(store, "trials/some", [np.arange(9)], ""),
    "reports/": lambda store: write_folder(store, {"metrics.json": "{}\n", "report.html": ""}),
}


def faults_of(write: Callable[[Store], object], root: Path) -> Iterator[Fault]:
    """Each of its operations, failing in both ways."""
    with failing(disk := FailingDisk(root)):
        write(Store(root))
    for operation in sorted(disk.done.keys() - {"read"}):
        numbers = range(1, disk.done[operation] + 1)
        yield from (Fault(operation, number, code) for number in numbers for code in SENTENCES)


SENTENCES = {
    ENOSPC: r"no space left on /\S* for {place}.*",
    EIO: r"/\S* fails at {place}\S* \(input/output error\)",
}


@pytest.mark.parametrize("name", WRITERS)
def test_whichever_operation_fails_is_said_and_leaves_nothing(name, tmp_path):
    write = WRITERS[name]
    for number, fault in enumerate(faults_of(write, tmp_path / "healthy")):
        root = tmp_path / str(number)
        with failing(FailingDisk(root, fault)), pytest.raises(DiskError) as raised:
            write(Store(root))
        sentence = SENTENCES[fault.code].format(place=f"{root}/{name}")
        assert re.fullmatch(sentence, str(raised.value)), fault
        assert find_flaw(root) == ""
        write(Store(root))
        assert find_flaw(root) == ""


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flow]:
    with stubbed():
        yield flows(tmp_path_factory.mktemp("faults"))[-1]


@pytest.mark.parametrize("seed", range(FAULTS))
def test_a_study_ends_in_a_sentence_and_the_next_one_has_the_same_weights(study, seed):
    """A sample: `benchmarks/disk_faults.py` tries all, of an experiment and a promotion, too."""
    fault = Random(seed).choice(list(study.faults(most=100)))
    outcome = try_fault(study, fault)
    assert (outcome.said, outcome.stored, outcome.after) == ("", "", ""), fault
