"""What is seen of a study: a bar on a terminal, lines elsewhere, a bar and a table in the UI."""

import json
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import httpx
from prefect.artifacts import create_table_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate
from prefect.logging import get_run_logger
from rich.progress import MofNCompleteColumn, TextColumn

from tasks.networks.progress import ShownProgress
from tasks.trials.trial import Trial, TrialResult

SECONDS_BETWEEN_UPDATES = 2.0


class StudyProgress(ShownProgress):
    """A study; it is told of results as they come."""

    def __init__(self, trials: Sequence[Trial], known: Sequence[TrialResult]) -> None:
        self._trials, self._outcomes, self._known = trials, list(known), len(known)
        columns = MofNCompleteColumn(), TextColumn("{task.fields[rate]}")
        super().__init__("study-progress", "Trials of the study.", self._done(), *columns)
        self._started = self._shown = time.monotonic()
        self._task = self.add_task(
            "trials", total=len(trials), completed=len(known), rate=self._rate()
        )
        get_run_logger().info("%d of %d trials were made before", len(known), len(trials))
        self._table: Any = None
        with suppress(httpx.HTTPError):  # what the UI shows is not worth a study
            self._table = create_table_artifact(
                self._rows(), key="study-trials", description="Trials so far."
            )

    def __exit__(self, kind: type[BaseException] | None, *error: Any) -> None:
        super().__exit__(kind, *error)
        if kind is None:
            self._show()

    def add(self, results: Sequence[TrialResult]) -> None:
        """Some more trials are through."""
        self._outcomes.extend(results)
        self.update(self._task, completed=len(self._outcomes), rate=self._rate())
        if self._log:
            self._log.info(self._line())
        if time.monotonic() - self._shown > SECONDS_BETWEEN_UPDATES:
            self._show()

    def _line(self) -> str:
        return f"{len(self._outcomes)} of {len(self._trials)} trials, {self._rate()}"

    def _show(self) -> None:
        self._shown = time.monotonic()
        self.publish(self._done(), self._line())
        if self._table:
            with suppress(httpx.HTTPError), get_client(sync_client=True) as client:
                rows = json.dumps(self._rows())
                client.update_artifact(self._table, ArtifactUpdate(data=rows))

    def _done(self) -> float:
        return 100 * len(self._outcomes) / max(1, len(self._trials))

    def _rate(self) -> str:
        seconds = time.monotonic() - self._started
        return f"{(len(self._outcomes) - self._known) / max(seconds, 1e-9):.2f} a second"

    def _rows(self) -> list[dict[str, object]]:
        kinds = Counter((trial.recipe, trial.head) for trial in self._trials)
        return [self._row(*kind, trials) for kind, trials in kinds.items()]

    def _row(self, recipe: str, head: str, trials: int) -> dict[str, object]:
        done = [o for o in self._outcomes if (o.trial.recipe, o.trial.head) == (recipe, head)]
        seconds = [attempt.history.seconds for o in done for attempt in o.attempts]
        return {
            "recipe": recipe,
            "head": head,
            "trials": trials,
            "done": len(done),
            "attempts": len(seconds),
            "dead attempts": len(seconds) - sum(result.learned for result in done),
            "training seconds each": round(sum(seconds) / max(1, len(done)), 2),
        }
