"""What becomes of a retraining when the machine loses its power.

    python -m benchmarks.power_cuts --cuts 20 --restarts 10

A champion is in use, a batch waits in the inbox, and the challenger will win. Prefect's server,
`flows/serve.py` and the run are killed together at random moments, spread over the time that a
whole run takes, from when it is asked for; both are started again, and another run is asked for.
Then the server alone is killed and started again while a run goes on. Each time all happens in a
folder of its own, in several at once.
"""

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import time
from bisect import bisect
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor as Pool
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from threading import Lock
from typing import NamedTuple

import httpx
import numpy as np
import psutil

from benchmarks.machine import print_machine
from benchmarks.processes import ROOT
from tasks.arrivals.batch import read_notes
from tasks.data.digits import make_digits
from tasks.errors import ReadableError
from tasks.networks.export import PortableModel
from tasks.registry.connection import files
from tasks.registry.registry import Registry
from tasks.registry.version import Version
from tasks.storage.store import Store

SECONDS, MOST = 300, 90  # for a run to end, and to begin after a restart
TRAINED = ("--recipes", "fast", "--model", "base", "--prefer", "newer", "--folds", "0")
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
BEGUN, JUDGED, OVER = "Beginning flow run", "- version 2 against version 1", "state Completed('"
DOING = {  # from when something was said
    "being served": "waiting",
    BEGUN: "taking the batch in",
    "'hold-out'": "training",
    "'evaluate fast base'": "evaluating",
}
REGISTERED = ("registering", "judging", "promoting", "ending")
LOOKING = Lock()  # MLflow's client is for one thread


class Machine:
    """A server and `flows/serve.py` on the artifacts and the inbox of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "served.txt"
        with socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.api = f"http://127.0.0.1:{self.port}/api"
        self.server, self.served = self.start_server(), self.start_serving()

    def start_server(self) -> psutil.Popen:
        """The server, once it answers."""
        place = ("--host", "127.0.0.1", "--port", str(self.port))
        server = self._start("-m", "prefect", "server", "start", *place)
        with httpx.Client(transport=httpx.HTTPTransport(retries=9), timeout=60) as client:
            client.get(f"{self.api}/health").raise_for_status()
        return server

    def start_serving(self) -> psutil.Popen:
        """The other process, once it serves."""
        before = self.said().count("being served")
        served = self._start("flows/serve.py", *options(self.folder), "--port", "0")
        self.until(lambda: self.said().count("being served") > before)
        return served

    def begin_run(self) -> str:
        """Ask for a retraining; its identifier."""
        found = httpx.get(f"{self.api}/deployments/name/digit-retraining/retraining", timeout=60)
        path = f"{self.api}/deployments/{found.json()['id']}/create_flow_run"
        asked = {"state": {"type": "SCHEDULED"}}
        while True:  # a server whose database is busy says so
            if (answer := httpx.post(path, json=asked, timeout=60)).is_success:
                return str(answer.json()["id"])

    def state(self, run: str) -> dict[str, str]:
        """The state of a run, with its `type` and `name`."""
        state: dict[str, str]
        state = httpx.get(f"{self.api}/flow_runs/{run}", timeout=60).json()["state"]
        return state

    def end(self, run: str, seconds: float = SECONDS) -> str:
        """The name of the state in which a run ends, or is after so many seconds."""
        self.until(lambda: self.state(run)["type"] in FINAL, seconds)
        return self.state(run)["name"]

    def until(self, is_so: Callable[[], bool], most: float = SECONDS) -> float:
        """Wait until something is so; the seconds."""
        started = time.monotonic()
        while not is_so() and time.monotonic() - started < most:
            time.sleep(0.1)
        return time.monotonic() - started

    def said(self) -> str:
        """All that was printed."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _start(self, *arguments: str) -> psutil.Popen:
        told = {"PREFECT_HOME": str(self.folder / "prefect"), "PREFECT_API_URL": self.api}
        often = {"PREFECT_RUNNER_POLL_FREQUENCY": "1", "COLUMNS": "200"}  # ten seconds by itself
        with self.log.open("a") as log:
            return psutil.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=os.environ | told | often,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


class Outcome(NamedTuple):
    """What there is after a cut and the run that follows."""

    moment: float  # of the cut, in seconds
    doing: str  # what was going on
    seconds: float  # from the restart until a run began
    first: str  # the name of the state of the run that was cut off
    second: str  # that of the next
    flaws: tuple[str, ...]

    @property
    def is_good(self) -> bool:
        """Whether all is as it has to be; a run that waits may not have been cut off."""
        is_whole = self.doing in ("waiting", "ending", "nothing more")
        told = {"Crashed", "Completed", "Cached"} if is_whole else {"Crashed"}
        ended = self.first in told and self.second in ("Completed", "Cached")
        return ended and self.seconds < MOST and not self.flaws

    def row(self) -> str:
        """For the table."""
        found = f"{self.moment:.1f} | {self.doing} | {self.seconds:.0f} | {self.first}"
        return f"| {found} | {self.second} | {'; '.join(self.flaws) or 'none'} |"


def options(folder: Path) -> tuple[str, ...]:
    """What a retraining in a folder is told."""
    places = ("--inbox", str(folder / "inbox"), "--artifacts", str(folder / "artifacts"))
    return ("--dataset", str(folder / "small.npz"), *places, *TRAINED)


def prepare(folder: Path) -> None:
    """A champion, a batch that waits, and a server's database."""
    digits = make_digits(0)
    images, labels = digits.train_images, digits.train_labels
    np.savez(folder / "small.npz", x_train=images[:1400], y_train=labels[:1400])
    (folder / "inbox").mkdir()
    command = [sys.executable, "flows/retrain.py", *options(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    np.savez(folder / "inbox" / "monday.npz", images=images[1400:1437], labels=labels[1400:1437])
    one = Machine(folder)
    kill(one.server, one.served)
    one.log.unlink()


def kill(*processes: psutil.Popen) -> None:
    """At once, with all that they started."""
    for process in processes:
        process.suspend()  # so that it starts nothing meanwhile
    every = [one for process in processes for one in (process, *process.children(recursive=True))]
    for one in every:
        one.kill()
    psutil.wait_procs(every)


@contextmanager
def machine(prepared: Path) -> Iterator[Machine]:
    """A machine in a copy of what was prepared, which is shut down in the end."""
    with TemporaryDirectory() as place:
        folder = Path(place) / "machine"
        shutil.copytree(prepared, folder, symlinks=True)
        started = Machine(folder)
        try:
            yield started
        finally:
            kill(started.served, started.server)


def whole_run(prepared: Path) -> list[float]:
    """When each line is said in a run that nobody disturbs, in seconds from when it is asked for.

    Those before are said at 0, the last one at the end.
    """
    with machine(prepared) as one:
        lines = [0.0] * one.said().count("\n")
        one.begin_run()
        started = time.monotonic()
        while OVER not in one.said():
            time.sleep(0.05)
            new = one.said().count("\n") - len(lines)
            lines += [time.monotonic() - started] * new
        return lines


def cut(prepared: Path, lines: Sequence[float], moment: float) -> Outcome:
    """Lose the power so many seconds after a run was asked for, and start again.

    Other runs take longer or shorter than that of `lines`, by what else the machine is at; the
    moment is that since which as many are said.
    """
    with machine(prepared) as one:
        first, number = one.begin_run(), bisect(lines, moment)
        one.until(lambda: one.said().count("\n") >= number or OVER in one.said())
        time.sleep(moment - lines[number - 1])
        kill(one.server, one.served)
        said, (doing, *broken) = one.said(), look(one, at_the_cut)
        started = time.monotonic()
        one.server, one.served = one.start_server(), one.start_serving()
        second = one.begin_run()
        one.until(lambda: one.said().count(BEGUN) > said.count(BEGUN))
        seconds = time.monotonic() - started
        next_end, end = one.end(second), one.end(first, 30)
        return Outcome(moment, doing, seconds, end, next_end, (*broken, *look(one, at_the_end)))


def restart_server(prepared: Path, moment: float) -> str:
    """Kill and restart the server alone so many seconds after a run began; how the run ended."""
    with machine(prepared) as one:
        run = one.begin_run()
        one.until(lambda: BEGUN in one.said())
        time.sleep(moment)
        kill(one.server)
        one.server = one.start_server()
        return "; ".join([one.end(run), *look(one, at_the_end)])


def look(one: Machine, at: Callable[[str, Store, Registry], Iterator[str]]) -> list[str]:
    """What there is to tell of what was said, the artifacts and the registry."""
    store, found = Store(one.folder / "artifacts"), list[str]()
    try:
        with LOOKING:
            found.extend(at(one.said(), store, Registry(store, None, "base")))
    except ReadableError as error:
        found.append(str(error))
    return found


def at_the_cut(said: str, store: Store, registry: Registry) -> Iterator[str]:
    """What was going on, and then what is wrong with the champion."""
    if OVER in said:
        yield "nothing more"
    elif "'export' - Finished" in said:
        new = [version for version in versions(registry) if version.number > 1]
        judged = [version for version in new if version.decision]
        in_use = [version for version in judged if version == registry.champion()]
        yield REGISTERED[len(new) + len(judged) + len(in_use)]
    else:
        yield [doing for mark, doing in DOING.items() if mark in said][-1]
    yield from flaws_of_champion(registry)


def at_the_end(said: str, store: Store, registry: Registry) -> Iterator[str]:
    """What is not as it has to be, once all is over."""
    yield from flaws_of_champion(registry, 2)
    judged = [version.number for version in versions(registry) if version.decision]
    if judged != [2, 1] or registry.looks() != 1 or said.count(JUDGED) > 1:
        yield f"versions {judged} were judged, {registry.looks()} against a champion"
    notes = [note for note in read_notes(store) if not note.reason]
    places = (files(store) / one.run_id / "artifacts/lineage.json" for one in versions(registry))
    used = [json.loads(path.read_text())["batches"] for path in places]
    if used != [[note.batch.sha256 for note in notes], []] or len(notes) != 1:
        yield f"{len(notes)} batches were taken in, and used: {used}"


def flaws_of_champion(registry: Registry, *numbers: int) -> Iterator[str]:
    """Unless there is one, of these numbers, whose files have their digests, and it answers."""
    champion = registry.champion()
    if champion is None or champion.number not in (numbers or (1, 2)):
        yield f"the champion is {champion and champion.number}"
        return
    registry.network_path(champion)
    answers = PortableModel(registry.model_path(champion)).answer(registry.sample(champion))
    if not np.isfinite(answers[0]).all():
        yield f"version {champion.number} does not answer"


def versions(registry: Registry) -> list[Version]:
    """All that are registered, the newest first."""
    return [registry._read(one) for one in registry._search()]


def print_cuts(prepared: Path, lines: list[float], moments: list[float], pool: Pool) -> None:
    """A line for each cut, and how many went well."""
    print("| cut after, s | it was | the next began after, s | the run is | the next | flaws |")
    print("| ---: | --- | ---: | --- | --- | --- |")
    outcomes = []
    for one in pool.map(partial(cut, prepared, lines), moments):
        outcomes.append(one)
        print(one.row(), flush=True)
    good = sum(one.is_good for one in outcomes)
    print(f"\n{good} of {len(outcomes)} power cuts left all as it has to be.", flush=True)


def main() -> None:
    """Cut and restart, and print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--at-once", type=int, default=2)
    told, draw = parser.parse_args(), random.Random(0)
    print_machine()
    with TemporaryDirectory() as place, Pool(told.at_once) as pool:
        prepare(prepared := Path(place))
        *_, whole = lines = whole_run(prepared)
        print(f"A run takes {whole:.1f} s; {told.at_once} at once are disturbed.\n", flush=True)
        print_cuts(prepared, lines, spread(whole, told.cuts, draw), pool)
        ends = pool.map(partial(restart_server, prepared), spread(whole, told.restarts, draw))
        print("\nThe server alone, killed and started again:", Counter(ends))


def spread(whole: float, count: int, draw: random.Random) -> list[float]:
    """One moment in each of so many equal parts of the seconds."""
    return [whole * (number + draw.random()) / count for number in range(count)]


if __name__ == "__main__":
    main()
