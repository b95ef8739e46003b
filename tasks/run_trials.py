"""Run-trials: every transfer of a study that was not made before."""

import time
from collections.abc import Sequence
from functools import partial

from rich.progress import MofNCompleteColumn

from tasks.networks.progress import ShownProgress
from tasks.storage.stages import current_store, get_run_logger, uncached_stage
from tasks.trials.processes import run_on_processes
from tasks.trials.trial import Group, Trial, TrialResult, find_all, train_group


@uncached_stage("run-trials")  # each trial is cached by itself
def run_trials(groups: Sequence[Group], workers: int, refresh: bool) -> list[TrialResult]:
    """Train what no earlier study did, or all if `refresh`; the results in the trials' order."""
    store = current_store()
    results: dict[Trial, TrialResult] = {}
    waiting: list[Group] = []
    for group in groups:
        results |= {} if refresh else find_all(store, group)
        waiting.extend(group.without(results).batches())
    trials = [trial for group in groups for trial in group.trials]
    train = partial(train_group, store.address, refresh)
    with StudyProgress(len(trials), len(results)) as progress:
        for trained in run_on_processes(train, waiting, workers):
            results |= {result.trial: result for result in trained}
            progress.add(trained)
    return [results[trial] for trial in trials]


class StudyProgress(ShownProgress):
    """A study; it is told of results as they come."""

    def __init__(self, trials: int, known: int) -> None:
        self._trials, self._known, self._done, self._dead = trials, known, known, 0
        super().__init__(MofNCompleteColumn())
        self._started = time.monotonic()
        self._task = self.add_task("trials", total=trials, completed=known)
        get_run_logger().info("%d of %d trials were made before", known, trials)

    def add(self, results: Sequence[TrialResult]) -> None:
        """Some more trials are through."""
        self._done += len(results)
        self._dead += sum(len(result.attempts) - result.learned for result in results)
        self.update(self._task, completed=self._done)
        rate = (self._done - self._known) / (time.monotonic() - self._started)
        line = f"{self._done} of {self._trials} trials, {self._dead} dead attempts"
        line += f", {rate:.2f} a second"
        if self._log:
            self._log.info(line, extra={"is_last": self._done == self._trials})
