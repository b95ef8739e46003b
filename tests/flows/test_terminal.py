"""What a run says on stderr: what is new, and of what goes on a line now and then."""

import logging
import time

import pytest
from trial_results import trial_result

from flows.terminal import StageLines
from tasks import run_trials
from tasks.run_trials import StudyProgress


@pytest.fixture
def logger() -> logging.Logger:
    """What stages log to."""
    found = logging.Logger("stages")
    found.addHandler(StageLines())
    return found


def test_a_stages_name_and_what_it_says_are_apart_however_long_it_is(logger, capsys):
    for name in ("load", "label-efficiency tuned fine-tuned"):
        logger.info("done with %s", name, extra={"task_run_name": name})
    assert capsys.readouterr().err.splitlines() == [
        "load                            done with load",
        "label-efficiency tuned fine-tuned done with label-efficiency tuned fine-tuned",
    ]


def test_each_stage_has_a_reason_to_run_and_what_a_base_consists_of_is_said_once(logger, capsys):
    for name in ("transfer-two-node", "transfer-one-node"):
        logger.info("runs: seed 0 -> 1", extra={"task_run_name": name})
        logger.info("it has 5 layers", extra={"task_run_name": name})
    assert capsys.readouterr().err.splitlines() == [
        "transfer-two-node               runs: seed 0 -> 1",
        "transfer-two-node               it has 5 layers",
        "transfer-one-node               runs: seed 0 -> 1",
    ]


def test_what_has_lines_of_its_own_is_set_off_and_can_be_the_end(logger, capsys):
    logger.info("reshaped", extra={"task_run_name": "reshape"})
    logger.info("What was found:\n  nothing", extra={"task_run_name": "report"})
    assert capsys.readouterr().err == (
        "reshape                         reshaped\n\nWhat was found:\n  nothing\n"
    )


def test_of_a_study_there_is_a_line_in_half_a_minute_and_the_last(logger, capsys, monkeypatch):
    """45 pairs, whose trials take 4 s each, into a pipe."""
    monkeypatch.setattr(run_trials, "get_run_logger", lambda: logger)
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    progress = StudyProgress(trials=45, known=0)
    monkeypatch.setattr(progress, "_log", logger)  # as in a task
    for _ in range(45):
        now += 4
        progress.add([trial_result((3, 5), "two-node")])
    assert capsys.readouterr().err.splitlines() == [
        "0 of 45 trials were made before",
        *(f"{done} of 45 trials, 0 dead attempts, 0.25 a second" for done in (8, 16, 24, 32, 40)),
        "45 of 45 trials, 0 dead attempts, 0.25 a second",
    ]
