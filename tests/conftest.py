import os

os.environ["DO_NOT_TRACK"] = "1"  # before Prefect is imported, which would tell about us
# before scikit-learn is imported: its threads that wait for each other would take the cores from
# the other processes, which for k-means is nearly half of a small run
os.environ["OMP_WAIT_POLICY"] = "PASSIVE"

import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import numpy as np
import pytest
from commands import forking_workers
from filelock import FileLock

from flows.cli import ENVIRONMENT_PREFIX
from flows.config import Config
from tasks.registry.registry import Registry
from tasks.storage.store import Store

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytest_plugins = ["buckets"]

ROOT = Path(__file__).parents[1]
MNIST_SETTING = f"{ENVIRONMENT_PREFIX}DATASET"
# what a server does with events, which no test reads, is three quarters of its work
UNUSED_SERVICES = tuple(
    f"PREFECT_SERVER_SERVICES_{service}_ENABLED"
    for service in ("EVENT_PERSISTER", "TASK_RUN_RECORDER", "TRIGGERS")
)
LONG = ("flows", "registry", "storage", "trials", "data", "networks", "reporting")  # folders


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: a test that starts a process waits for it."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files first, so that no core has one left when the others are done.

    Before them, the one that waits for 90 seconds.
    """
    order = {folder: place for place, folder in enumerate(LONG)} | {"test_power_cut.py": -1}
    items.sort(
        key=lambda item: order.get(item.path.name, order.get(item.path.parent.name, len(LONG)))
    )


@pytest.fixture(scope="session")
def mnist(_environment_of_the_caller: dict[str, str]) -> Path:
    """Real MNIST, where the project's own setting says it lies."""
    folder = Path(_environment_of_the_caller.get(MNIST_SETTING, "missing"))
    if not folder.exists():
        pytest.skip(f"real MNIST is tested where {MNIST_SETTING} is the path of its files")
    return folder


@pytest.fixture(scope="session", autouse=True)
def _environment_of_the_caller() -> Iterator[dict[str, str]]:
    """The settings of whoever runs the tests reach the tests that ask for them, and no other."""
    with pytest.MonkeyPatch.context() as patch:
        found = {key: os.environ[key] for key in os.environ if key.startswith(ENVIRONMENT_PREFIX)}
        for key in found:
            patch.delenv(key)
        patch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")
        yield found


@pytest.fixture(scope="module")
def prefect_server(server: str) -> Iterator[None]:
    """The flows of this process, and of those that it starts, report to the tests' own server."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: server}):
        yield
        for worker in (APILogWorker, EventsWorker):
            worker.drain_all()  # once the server has ended, there is nobody to tell


def once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The folder that the first of all workers made, which no test changes."""
    folder = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    path, made = folder / name, folder / f"{name}-made"
    with FileLock(folder / f"{name}.lock"):
        if not made.exists():
            make(path)
            made.touch()
    return path


@pytest.fixture(scope="session")
def tiny_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten classes that are easily told apart: 1,500 training and 100 test images."""

    def make(folder: Path) -> None:
        folder.mkdir()
        (x_train, y_train), (x_test, y_test) = squares(1500, seed=1), squares(100, seed=2)
        path = folder / "tiny.npz"
        np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)

    return once(tmp_path_factory, "tiny-data", make) / "tiny.npz"


def squares(images: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A bright square in one of nine places is the class; three on the diagonal are class 9."""
    labels = (np.arange(images) % 10).astype(np.uint8)
    pixels = np.random.default_rng(seed).integers(0, 30, (images, 28, 28), dtype=np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        for place in (0, 4, 8) if label == 9 else (label,):
            top, left = 4 + 7 * (place // 3), 4 + 7 * (place % 3)
            image[top : top + 6, left : left + 6] += 200
    return pixels, labels


@pytest.fixture
def tiny_config(tiny_dataset: Path, tmp_path: Path) -> Config:
    """The whole experiment, shrunk."""
    return shrunken(tiny_dataset, tmp_path / "artifacts")


def shrunken(dataset: Path, artifacts: Path) -> Config:
    return Config(
        dataset=str(dataset),
        recipes=("tuned",),
        base_epochs=4,
        head_epochs=2,
        label_efficiency=False,
        folds=0,
        artifacts=artifacts,
    )


@pytest.fixture(scope="session")
def tiny_run(tiny_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The artifacts of the shrunken experiment, run once; in a copy of them, all is cached."""
    from flows.main import main

    def make(folder: Path) -> None:
        main(shrunken(tiny_dataset, folder))

    return once(tmp_path_factory, "tiny-run", make)


@pytest.fixture
def forked_workers() -> Iterator[None]:
    """Studies of this process fork their workers."""
    with forking_workers():
        yield


@pytest.fixture
def blank_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes a fourth of a small run, and is left out where no test sees the pictures."""
    from matplotlib.figure import Figure

    monkeypatch.setattr(Figure, "savefig", lambda figure, file, **_: file.write("<svg></svg>"))


@pytest.fixture
def small_guard(monkeypatch: pytest.MonkeyPatch) -> None:
    """What refuses is made of few images, where no test looks at what is refused."""
    from tasks import evaluate_refusal

    monkeypatch.setattr(evaluate_refusal, "MOST_IMAGES", 1_000)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """An empty folder for batches."""
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


@pytest.fixture
def deep_folder(inbox: Path) -> Iterator[Path]:
    """A folder `deep` in the inbox, in which thousands lie, each called `in`, in the one before."""
    folder = inbox / "deep"
    folder.mkdir()
    here = os.open(folder, os.O_RDONLY)
    for _ in range(3_000):
        os.mkdir("in", dir_fd=here)
        there = os.open("in", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = there
    os.close(here)
    yield folder
    # what pytest deletes with is recursive
    subprocess.run(["rm", "-rf", *inbox.iterdir()], check=True)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store of nothing yet."""
    return Store(tmp_path / "artifacts")


@pytest.fixture
def unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registered models are not asked in a process of their own, which takes seconds.

    In tests/registry/test_portable.py and tests/flows/test_new_kind.py they are.
    """
    from tasks import challenge

    monkeypatch.setattr(challenge, "find_flaw", lambda *anything: "")


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an empty registry: MLflow takes seconds to make its database."""

    def make(root: Path) -> None:
        Registry(Store(root), None, "two-node-0-1").prepare()

    return once(tmp_path_factory, "empty-registry", make)


@pytest.fixture(scope="session")
def tiny_report(
    tiny_dataset: Path, tiny_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The report of the whole shrunken experiment, with nothing left out."""
    from flows.main import main
    from tasks import label_efficiency
    from tasks.networks import approaches

    artifacts = tmp_path_factory.mktemp("report") / "artifacts"
    shutil.copytree(tiny_run, artifacts, symlinks=True)
    config = shrunken(tiny_dataset, artifacts)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(label_efficiency, "LABELLED", (1, 10, 100))
        patch.setattr(label_efficiency, "DRAWS", 2)
        patch.setattr(approaches, "LEAST_STEPS", 30)
        return main(config.model_copy(update={"label_efficiency": True}))


@pytest.fixture(scope="session")
def _first_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a server's first start leaves: a database, which takes it longer to make than to use."""

    def make(home: Path) -> None:
        process = start_server(home, free_port())
        process.terminate()
        process.wait(timeout=30)

    return once(tmp_path_factory, "prefect-home", make)


@pytest.fixture(scope="module")
def prefect_home(_first_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a server may keep its database, which is there already."""
    return shutil.copytree(_first_home, tmp_path_factory.mktemp("prefect") / "home")


@pytest.fixture(scope="session")
def server(_first_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The API's address of a server that was started as a user starts it."""
    port = free_port()
    home = shutil.copytree(_first_home, tmp_path_factory.mktemp("prefect") / "home")
    process = start_server(home, port)
    yield f"http://127.0.0.1:{port}/api"
    process.terminate()
    process.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def start_server(home: Path, port: int) -> subprocess.Popen[bytes]:
    """A Prefect server that answers, with its database below `home`."""
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "prefect", "server", "start"),
            *("--host", "127.0.0.1", "--port", str(port)),
        ],
        cwd=ROOT,
        env=os.environ
        | {
            "PREFECT_HOME": str(home),
            "PREFECT_UI_API_URL": f"http://127.0.0.1:{port}/api",
            "PREFECT_SERVER_SERVICES_SCHEDULER_LOOP_SECONDS": "5",  # a minute by itself
        }
        | dict.fromkeys(UNUSED_SERVICES, "false"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # the transport tries again, at growing intervals, until the server listens
    with httpx.Client(transport=httpx.HTTPTransport(retries=8), timeout=60) as client:
        client.get(f"http://127.0.0.1:{port}/api/health").raise_for_status()
    return process


@pytest.fixture
def browser(_chromium: "Chrome") -> "Chrome":
    """Chromium without a window, whose log has nothing from another test's pages."""
    _chromium.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    _chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    _chromium.get("about:blank")
    _chromium.get_log("browser")
    return _chromium


@pytest.fixture(scope="session")
def _chromium() -> Iterator["Chrome"]:
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not chromium or not driver:
        pytest.skip("the page is tested where chromium and chromedriver are installed")
    options = ChromeOptions()
    options.binary_location = chromium
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with Chrome(options, Service(driver)) as found:
        yield found
