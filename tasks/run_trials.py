"""Run-trials: every transfer of a study that was not made before."""

from collections.abc import Sequence
from functools import partial

from tasks.storage.records import current_store
from tasks.storage.stages import record_task_run, uncached_stage
from tasks.trials.progress import StudyProgress
from tasks.trials.trial import Group, Runner, Trial, TrialResult, find_all
from tasks.trials.worker import train_group


@uncached_stage("run-trials", on_completion=[record_task_run])  # each trial is cached by itself
def run_trials(groups: Sequence[Group], runner: Runner, refresh: bool) -> list[TrialResult]:
    """Train what no earlier study trained, or all if `refresh`; the results in the trials' order.

    Each of the groups has the trials on one base.
    """
    store = current_store()
    results: dict[Trial, TrialResult] = {}
    waiting: list[Group] = []
    for group in groups:
        results |= {} if refresh else find_all(store, group)
        waiting.extend(group.without(results).batches())
    trials = [trial for group in groups for trial in group.trials]
    with StudyProgress(trials, list(results.values())) as progress:
        for trained in runner(partial(train_group, store.address, refresh), waiting):
            results |= {result.trial: result for result in trained}
            progress.add(trained)
    return [results[trial] for trial in trials]
