"""Run-trials: every transfer of a study that was not made before."""

from collections.abc import Sequence
from functools import partial

from tasks.storage.records import current_store
from tasks.storage.stages import record_task_run, uncached_stage
from tasks.trials.processes import run_on_processes
from tasks.trials.progress import StudyProgress
from tasks.trials.trial import Group, Trial, TrialResult, find_all
from tasks.trials.worker import train_group


@uncached_stage("run-trials", on_completion=[record_task_run])  # each trial is cached by itself
def run_trials(groups: Sequence[Group], workers: int, refresh: bool) -> list[TrialResult]:
    """Train what no earlier study trained, or all if `refresh`; the results in the trials' order.

    Each of the groups has the trials on one base; so many worker processes train them.
    """
    store = current_store()
    results: dict[Trial, TrialResult] = {}
    waiting: list[Group] = []
    for group in groups:
        results |= {} if refresh else find_all(store, group)
        waiting.extend(group.without(results).batches())
    trials = [trial for group in groups for trial in group.trials]
    train = partial(train_group, store.address, refresh)
    with StudyProgress(trials, list(results.values())) as progress:
        for trained in run_on_processes(train, waiting, workers):
            results |= {result.trial: result for result in trained}
            progress.add(trained)
    return [results[trial] for trial in trials]
