"""What becomes of a scheduled retraining when the machine loses its power.

    python -m benchmarks.power_cuts --cuts 20 --restarts 10

A champion is in use, a batch waits in the inbox, and the challenger will win. Prefect's server,
`flows/serve.py` and the run are killed together at random moments, spread over the time that a
whole run takes; both are started again, and another run is asked for. Then the server alone is
killed and started again while a run goes on.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from tempfile import TemporaryDirectory
from typing import NamedTuple

import httpx
import numpy as np
import psutil

from benchmarks.machine import print_machine
from benchmarks.processes import ROOT
from tasks.arrivals.batch import read_notes
from tasks.data.digits import make_digits
from tasks.errors import InputError
from tasks.registry.registry import Registry
from tasks.storage.store import Store

SECONDS = 300
TRAINED = ("--recipes", "fast", "--model", "base", "--prefer", "newer", "--folds", "0")
FINAL = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


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
        while self.said().count("being served") == before:
            time.sleep(0.1)
        return served

    def begin_run(self) -> str:
        """Ask for a retraining; its identifier."""
        found = httpx.get(f"{self.api}/deployments/name/digit-retraining/retraining").json()
        asked = {"state": {"type": "SCHEDULED"}}
        while True:  # a server whose database is busy says so
            path = f"{self.api}/deployments/{found['id']}/create_flow_run"
            if (answer := httpx.post(path, json=asked, timeout=60)).is_success:
                return str(answer.json()["id"])

    def state(self, run: str) -> tuple[str, str]:
        """The type and the name of a run's state."""
        state = httpx.get(f"{self.api}/flow_runs/{run}", timeout=60).json()["state"]
        return state["type"], state["name"]

    def until(self, run: str, *types: str) -> float:
        """Wait until a run's state is one of these; the seconds."""
        started = time.monotonic()
        while self.state(run)[0] not in types:
            if time.monotonic() - started > SECONDS:
                raise TimeoutError(f"{run} is {self.state(run)}")
            time.sleep(0.1)
        return time.monotonic() - started

    def said(self) -> str:
        """All that was printed."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def _start(self, *arguments: str) -> psutil.Popen:
        told = {"PREFECT_HOME": str(self.folder / "prefect"), "PREFECT_API_URL": self.api}
        often = {"PREFECT_RUNNER_POLL_FREQUENCY": "1", "COLUMNS": "200"}
        with self.log.open("a") as log:
            return psutil.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=os.environ | told | often,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


class Outcome(NamedTuple):
    """What there is after a cut and the run that follows; `said` is the last line before."""

    said: str
    first: str  # the name of the state of the run that was cut off
    seconds: float  # until the next one began
    second: str
    flaws: tuple[str, ...]


def options(folder: Path) -> tuple[str, ...]:
    """What a retraining in a folder is told."""
    places = ("--inbox", str(folder / "inbox"), "--artifacts", str(folder / "artifacts"))
    return ("--dataset", str(folder / "small.npz"), *places, *TRAINED)


def prepare(folder: Path) -> None:
    """A champion, and a batch that waits."""
    digits = make_digits(0)
    images, labels = digits.train_images, digits.train_labels
    np.savez(folder / "small.npz", x_train=images[:1400], y_train=labels[:1400])
    (folder / "inbox").mkdir()
    subprocess.run(
        [sys.executable, "flows/retrain.py", *options(folder)],
        cwd=ROOT, check=True, capture_output=True,
    )  # fmt: skip
    np.savez(folder / "inbox" / "monday.npz", images=images[1400:1437], labels=labels[1400:1437])


def kill(*processes: psutil.Popen) -> None:
    """At once, with all that they started."""
    every = [one for process in processes for one in (process, *process.children(recursive=True))]
    for one in every:
        one.kill()
    for process in processes:
        process.wait()


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


def whole_run(prepared: Path) -> float:
    """The seconds of a run that nobody disturbs."""
    with machine(prepared) as one:
        return one.until(one.begin_run(), *FINAL)


def cut(prepared: Path, seconds: float) -> Outcome:
    """Lose the power so many seconds after a run was asked for, and start again."""
    with machine(prepared) as one:
        first = one.begin_run()
        time.sleep(seconds)
        kill(one.server, one.served)
        *_, said = one.said().splitlines()
        started = time.monotonic()
        one.server, one.served = one.start_server(), one.start_serving()
        second = one.begin_run()
        one.until(second, "RUNNING", *FINAL)
        began = time.monotonic() - started
        one.until(second, *FINAL)
        one.until(first, *FINAL)
        states = one.state(first)[1], one.state(second)[1]
        return Outcome(said, states[0], began, states[1], tuple(flaws(one.folder)))


def restart_server(prepared: Path, seconds: float) -> str:
    """Kill and restart the server alone after so many seconds of a run; how the run ended."""
    with machine(prepared) as one:
        run = one.begin_run()
        one.until(run, "RUNNING")
        time.sleep(seconds)
        kill(one.server)
        one.server = one.start_server()
        one.until(run, *FINAL)
        return "; ".join([one.state(run)[1], *flaws(one.folder)])


def flaws(folder: Path) -> Iterator[str]:
    """What is not as it has to be, once all is over."""
    store = Store(folder / "artifacts")
    registry = Registry(store, None, "base")
    champion = registry.champion()
    versions = [registry._read(one) for one in registry._search()]
    if champion is None or champion.number != 2:
        yield f"the champion is {champion and champion.number}"
    else:
        try:
            registry.model_path(champion)
        except InputError as error:
            yield str(error)
    if len(versions) != 2 or not all(version.decision for version in versions):
        yield f"there are {len(versions)} versions"
    states = [note.state for note in read_notes(store) if not note.reason]
    if states != ["accepted"]:
        yield f"the batches are {states}"


def print_cuts(prepared: Path, whole: float, cuts: int, draw: random.Random) -> None:
    """A line for each cut, spread over the seconds of a whole run."""
    print("| cut after, s | it had said | is | the next began after, s | is | flaws |")
    print("| ---: | --- | --- | ---: | --- | --- |")
    for number in range(cuts):
        seconds = whole * (number + draw.random()) / cuts
        one = cut(prepared, seconds)
        said, wrong = one.said[-60:].replace("|", ""), "; ".join(one.flaws) or "none"
        ended = f"{one.first} | {one.seconds:.0f} | {one.second}"
        print(f"| {seconds:.1f} | {said} | {ended} | {wrong} |", flush=True)


def main() -> None:
    """Cut and restart, and print what became of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cuts", type=int, default=20)
    parser.add_argument("--restarts", type=int, default=10)
    told, draw = parser.parse_args(), random.Random(0)
    print_machine()
    with TemporaryDirectory() as place:
        prepare(prepared := Path(place))
        whole = min(whole_run(prepared) for _ in range(3))
        print(f"A run takes {whole:.1f} s.\n", flush=True)
        print_cuts(prepared, whole, told.cuts, draw)
        moments = [whole * draw.random() * 0.8 for _ in range(told.restarts)]
        ends = [restart_server(prepared, seconds) for seconds in moments]
    print(f"\nThe server alone, killed and started again during a run: {Counter(ends)}")


if __name__ == "__main__":
    main()
