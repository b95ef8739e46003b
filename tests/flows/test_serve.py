"""The flows as they are served: started through the API, by a schedule, and in the UI."""

import asyncio
import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from conftest import free_port
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.schedules import IntervalSchedule
from prefect.deployments import run_deployment
from prefect.flow_runs import wait_for_flow_run
from prefect.settings import PREFECT_API_URL, temporary_settings
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from flows.config import Config
from flows.pages import index, serve_pages
from flows.serve import absolute
from tasks.errors import InputError
from tasks.storage.store import Store

ROOT = Path(__file__).parents[2]
SCREENSHOTS = ROOT / "artifacts" / "screenshots"
SECONDS = 240
RETRAINING, STUDY = "digit-retraining/retraining", "digit-study/study"
BEGUN = re.compile(r"Beginning flow run '([^']+)'")


@dataclass
class Served:
    """The flows, served by another process to a server whose API is at `address`."""

    address: str
    process: subprocess.Popen[str]
    lines: "queue.Queue[str]"
    pages: str
    store: Store

    def deployment(self, name: str) -> dict[str, Any]:
        return httpx.get(f"{self.address}/deployments/name/{name}").json()

    def start(self, name: str, **config: Any) -> str:
        """Start a run with other settings; Prefect's client asks again where a server is busy."""
        given = self.deployment(name)["parameters"]["config"] | config
        with temporary_settings({PREFECT_API_URL: self.address}):
            return str(run_deployment(name, parameters={"config": given}, timeout=0).id)

    def next_run(self) -> str:
        """The run that begins next, by whatever started it."""
        while not (found := BEGUN.search(self.lines.get(timeout=SECONDS))):
            pass
        named = {"flow_runs": {"name": {"any_": [found[1]]}}}
        return httpx.post(f"{self.address}/flow_runs/filter", json=named).json()[0]["id"]

    def ended(self, run: str) -> FlowRun:
        with temporary_settings({PREFECT_API_URL: self.address}):
            return asyncio.run(wait_for_flow_run(UUID(run), timeout=SECONDS, poll_interval=1))

    def artifacts(self, run: str) -> dict[str, dict[str, Any]]:
        """The artifacts of a run by their keys."""
        of_run = {"flow_runs": {"id": {"any_": [run]}}}
        found = httpx.post(f"{self.address}/artifacts/filter", json=of_run).json()
        return {artifact["key"]: artifact for artifact in found}

    def failure(self, run: str) -> str:
        """Why a run failed, which its hook leaves after its last state: so it is asked again."""
        for _ in range(500):
            if found := self.artifacts(run).get("failure"):
                return found["data"]
        raise AssertionError("the run left no reason")


@pytest.fixture(scope="module")
def served(
    server: str, tiny_dataset: Path, tiny_run: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """On artifacts in which the models of the settings that are served are trained already."""
    folder, port = tmp_path_factory.mktemp("served"), free_port()
    (folder / "inbox").mkdir()
    shutil.copytree(tiny_run, folder / "artifacts", symlinks=True)
    process = subprocess.Popen(
        [
            *(sys.executable, "flows/serve.py", "--cron", "0 3 * * *", "--dataset"),
            *(str(tiny_dataset), "--folds", "0", "--base-epochs", "4", "--head-epochs", "2"),
            *("--no-label-efficiency", "--recipes", "tuned", "--inbox", f"{folder}/inbox"),
            *("--artifacts", f"{folder}/artifacts", "--train-anyway", "--port", str(port)),
        ],
        cwd=ROOT,
        env=os.environ | {"PREFECT_API_URL": server, "PREFECT_RUNNER_POLL_FREQUENCY": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # a shell's background job, such as CI may be, ignores SIGINT, and so would its children
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    lines: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=lambda: [lines.put(line) for line in process.stdout])
    reader.start()
    try:
        while "being served" not in lines.get(timeout=SECONDS):
            pass
        store = Store(folder / "artifacts")
        yield Served(server, process, lines, f"http://127.0.0.1:{port}", store)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        reader.join()
    for name in ("digit-transfer/experiment", "digit-retraining/retraining"):
        assert httpx.get(f"{server}/deployments/name/{name}").json()["paused"]


def test_retraining_has_the_schedule_and_the_server_limits_no_flow(served):
    experiment = served.deployment("digit-transfer/experiment")
    retraining = served.deployment("digit-retraining/retraining")
    assert experiment["schedules"] == []
    assert [one["schedule"]["cron"] for one in retraining["schedules"]] == ["0 3 * * *"]
    assert served.store.read("schedule") == b"0 3 * * *"
    # a limit of the server's counts the runs of a machine that lost its power, too
    assert [one["global_concurrency_limit"] for one in (experiment, retraining)] == [None, None]


def test_a_served_run_waits_for_others_as_long_as_it_takes_unless_it_is_told_not_to():
    assert absolute(Config()).wait is None
    assert absolute(Config(wait=5)).wait == 5


@pytest.mark.parametrize(
    ("name", "settings", "sentence"),
    [
        (RETRAINING, {"seed": -1}, "-1 is less than the minimum of 0"),
        (RETRAINING, {"margin": 1}, "1 is greater than or equal to the maximum of 1"),
        (RETRAINING, {"model": "best"}, "'best' is not one of ['softmax', 'sigmoid', 'base']"),
        (RETRAINING, {"recipes": ["other"]}, "'other' is not one of ['notebook', 'tuned', 'fast']"),
        (STUDY, {"seeds": [-1]}, "-1 is less than the minimum of 0"),
    ],
    ids=str,
)
def test_a_wrong_value_is_refused_before_anything_runs(served, name, settings, sentence):
    deployment = served.deployment(name)["id"]
    refused = httpx.post(
        f"{served.address}/deployments/{deployment}/create_flow_run",
        json={"parameters": {"config": settings}},
    )
    assert refused.status_code == 409
    assert sentence in refused.json()["detail"]


def test_what_no_schema_can_say_ends_in_one_sentence_and_no_traceback(served):
    run = served.ended(served.start(STUDY, seeds="4..0"))
    assert run.state.name == "Failed"
    sentence = "--seeds '4..0': give one or more different seeds, as in 0..4 or 0,1,7"
    assert run.state.message.endswith(f"InputError: {sentence}")
    assert f"\n\n{sentence}.\n\n" in served.failure(str(run.id))
    of_run = {"logs": {"flow_run_id": {"any_": [str(run.id)]}}}
    logged = httpx.post(f"{served.address}/logs/filter", json=of_run).json()
    assert not [line["message"] for line in logged if "Traceback" in line["message"]]


def test_of_two_retrainings_at_once_the_second_waits_and_finds_nothing_new(served):
    started = [served.start("digit-retraining/retraining") for _ in range(2)]
    assert {served.next_run(), served.next_run()} == set(started)
    runs = sorted((served.ended(run) for run in started), key=lambda run: run.end_time)
    assert [run.state.name for run in runs] == ["Completed", "Cached"]
    assert runs[0].state.message == "version 1: Promoted: there was no champion yet."
    assert runs[1].start_time >= runs[0].end_time


def test_a_schedule_starts_a_run(served):
    deployment = served.deployment("digit-transfer/experiment")["id"]
    soon = IntervalSchedule(
        interval=timedelta(days=1), anchor_date=datetime.now(UTC) + timedelta(seconds=15)
    )
    with (
        temporary_settings({PREFECT_API_URL: served.address}),
        get_client(sync_client=True) as client,
    ):
        client.create_deployment_schedules(UUID(deployment), [(soon, True)])
    run = served.ended(served.next_run())
    assert (run.auto_scheduled, run.state.name) == (True, "Completed")


def test_batches_are_listed_and_decided_on_by_a_deployment(served):
    run = served.ended(served.start("digit-review/review"))
    assert served.next_run() == str(run.id)
    folder = served.deployment("digit-review/review")["parameters"]["config"]["artifacts"]
    page = f"Batches that wait for a decision: 0; pictures: {folder}/review/index.html"
    assert (run.state.name, run.state.message) == ("Completed", page)
    table = served.artifacts(str(run.id))["review"]["data"]
    assert table.startswith(f"{page}\n\n| batch | state | images | why |")
    decision = {"action": "approve", "batch": "monday.npz", "why": "it is good"}
    failed = served.ended(served.start("digit-review/review", **decision))
    assert served.next_run() == str(failed.id)
    assert failed.state.message.endswith("there is no batch 'monday.npz'; there are: none yet")
    unsaid = served.ended(served.start("digit-review/review", action="reject"))
    assert "reject needs the name of a batch, and --why with a reason" in unsaid.state.message


def test_a_failed_run_leaves_its_reason(served):
    run = served.ended(served.start("digit-transfer/experiment", dataset="/nowhere.npz"))
    assert served.next_run() == str(run.id)
    assert run.state.name == "Failed"
    failure = served.failure(str(run.id))
    assert "Failed\n\nThe data set /nowhere.npz does not exist; give auto, mnist" in failure
    assert "four IDX files.\n\nWhat was stored before is whole; the next run resumes" in failure


def test_the_form_in_the_ui_refuses_a_wrong_value_and_runs_a_right_one(served, browser):
    ui = served.address.removesuffix("/api")
    deployment = served.deployment("digit-retraining/retraining")["id"]
    browser.set_window_size(1300, 1400)
    browser.get(f"{ui}/deployments/deployment/{deployment}/run")
    fill(browser, "Margin", "0")
    submit(browser)
    see(browser, "0 is less than or equal to the minimum of 0")
    save(browser, "form-refused.png")
    fill(browser, "Margin", "0.02")
    fill(browser, "Seed", "5")  # for another model
    wait(browser, every=10).until(submitted)
    run = served.ended(served.next_run())
    assert run.parameters["config"]["margin"] == 0.02
    assert run.state.message.startswith("version 2: ")
    browser.get(f"{ui}/runs/flow-run/{run.id}")
    see(browser, "Completed")
    save(browser, "run.png")
    artifacts = served.artifacts(str(run.id))
    assert artifacts.keys() == {"report", "decision"}
    browser.get(f"{ui}/artifacts/artifact/{artifacts['decision']['id']}")
    see(browser, "Version 2 against version 1")
    see(browser, "log loss, at most")
    assert browser.execute_script(CUT_OFF) == 0
    save(browser, "decision.png")
    browser.get(f"{ui}/artifacts/artifact/{artifacts['report']['id']}")
    see(browser, "two-node")
    link = re.search(rf"{served.pages}/reports/[^/]+/report.html", artifacts["report"]["data"])
    browser.get(link[0])
    see(browser, "1. Verdict")
    browser.get(link[0].replace("report.html", "decision.html"))
    see(browser, "Version 2 against version 1")
    see(browser, "log loss, at most")
    browser.get(served.pages)
    see(browser, "the decision on its model")
    save(browser, "pages.png")


def test_the_pages_are_those_of_reports_and_of_the_review_alone(served):
    assert served.ended(served.start("digit-review/review")).state.name == "Completed"
    served.next_run()
    page = httpx.get(f"{served.pages}/review/index.html")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html")
    assert "Batches that wait for a decision" in httpx.get(served.pages).text
    for path in ("registry/mlflow.db", "reports", "reports/", "reports/../run.id", "records", "x"):
        assert httpx.get(f"{served.pages}/{path}").status_code == 404, path
    for path in ("/reports/../registry/mlflow.db", "/reports/%2e%2e/registry/mlflow.db", "x"):
        with closing(HTTPConnection(served.pages.removeprefix("http://"))) as raw:
            raw.request("GET", path)  # as it is, which httpx would put right
            assert raw.getresponse().status == 404, path
    assert httpx.get(served.pages, headers={"Host": "example.org"}).status_code == 403
    assert httpx.post(served.pages).status_code == 501


def test_the_studys_form_takes_lists_as_they_are_typed(served, browser):
    ui = served.address.removesuffix("/api")
    browser.get(f"{ui}/deployments/deployment/{served.deployment(STUDY)['id']}/run")
    fill(browser, "Pairs", "0,1 3,5")
    wait(browser, every=10).until(submitted)
    run = served.ended(served.next_run())
    assert run.state.name == "Completed"
    assert run.parameters["config"]["pairs"] == "0,1 3,5"


CUT_OFF = """
const table = document.querySelector('.p-table'); return table.scrollWidth - table.clientWidth
"""


def fill(browser, name, value):
    label = f"//*[contains(@class, 'label')][starts-with(normalize-space(), '{name}')]"
    following = f"{label}//following::*[self::input or self::textarea][1]"
    field = wait(browser).until(lambda page: page.find_element(By.XPATH, following))
    field.send_keys(Keys.CONTROL, "a")
    field.send_keys(value, Keys.TAB)


def submit(browser):
    button = browser.find_element(By.XPATH, "//button[contains(., 'Submit')]")
    # not by the mouse: when a message goes, the button moves away from under it
    browser.execute_script("arguments[0].click()", button)


def submitted(browser):
    """Whether the form is left for the run's page; a busy form, or server, misses a click."""
    if browser.current_url.endswith("/run"):
        submit(browser)
    return not browser.current_url.endswith("/run")


def see(browser, text):
    wait(browser).until(lambda page: text in page.find_element(By.TAG_NAME, "body").text)


def wait(browser, every=0.5):
    return WebDriverWait(browser, 60, every, ignored_exceptions=(Exception,))


def save(browser, name):
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    assert browser.save_screenshot(str(SCREENSHOTS / name))


def test_a_port_that_is_taken_is_refused(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=rf"--port {port} cannot be used \(Address already"):
            serve_pages(Store(tmp_path), port)


def test_a_report_whose_numbers_cannot_be_read_is_listed(tmp_path):
    folder = tmp_path / "reports" / "2026-12-01T03-04-05-abcdef"
    folder.mkdir(parents=True)
    (tmp_path / "reports" / "2026 backup").mkdir()
    (folder / "metrics.json").write_text('{"verdict": []}')
    page = index(Store(tmp_path))
    assert "2026-12-01 03:04 UTC" in page
    assert page.count("Its numbers cannot be read.") == 1
