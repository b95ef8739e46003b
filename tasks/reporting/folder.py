"""What both reports are published by: the numbers of a run, a folder of files, and the UI."""

import os
import platform
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from uuid import uuid4

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.logging import get_run_logger
from pydantic import BaseModel

from tasks.data.mnist import dataset_sha256, is_mnist
from tasks.data.source import Source
from tasks.networks.hardware import processor, processor_features
from tasks.reporting.page import Row, fill
from tasks.schemas.references import Dataset
from tasks.storage.files import replace
from tasks.storage.stages import finished_task_runs
from tasks.storage.store import Store

FOLDER = "reports"
LIBRARIES = ("keras", "tensorflow", "numpy", "scikit-learn", "prefect", "digit-transfer")


def describe_run(
    config: BaseModel, command: str, source: Source, images: Dataset, analysis: Mapping[str, object]
) -> Row:
    """What a run found, and what it was computed from, whatever it trained, in JSON types."""
    return {
        **analysis,
        "dataset": {
            "name": "MNIST" if is_mnist(images) else source.name,
            "source": source.location,
            "sha256": dataset_sha256(images),
            "notice": source.notice,
            **{name: split.inputs.shape[0] for name, split in images},
        },
        "config": config.model_dump(mode="json"),
        "command": command,
        "environment": {
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},  # none of them is imported
            "system": f"{platform.system()} {platform.machine()}",
            "cpu": processor(),
            "cpu_features": processor_features(),
            "threads": os.cpu_count(),
        },
        "tasks": [one.model_dump() for one in finished_task_runs()],
    }


def publish(
    store: Store,
    files: dict[str, str],
    metrics: Row,
    summary: str,
    key: str,
    latest: str = "latest",
) -> Path:
    """Write a report, log it, show its summary in the UI, and return its folder on this machine.

    The summary is a markdown artifact under `key`, beside which `<key>-file` links the report.
    """
    folder = write_folder(store, files, latest)
    create_markdown_artifact(summary, key=key, description="The verdict.")
    page, found = folder / "report.html", fill("terminal.txt.jinja", metrics, {})
    link = page.resolve().as_uri()
    create_link_artifact(link, page.name, f"{key}-file", "The whole report.")
    if store.remote:
        found += f"\nReport: {store.place(f'{FOLDER}/{folder.name}/{page.name}')}"
    get_run_logger().info("%s\nReport: %s", found, link)
    return folder


def write_folder(store: Store, files: dict[str, str], latest: str = "latest") -> Path:
    """Write a report into a folder of its own on this machine, and return it; `latest` is a link.

    Each is written atomically. On a remote `latest` is a file with the folder's name, written last.
    """
    name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{uuid4().hex[:6]}"
    folder, link = store.root / FOLDER / name, store.root / FOLDER / latest
    with store.temporary(f"{FOLDER}/{name}") as unfinished:
        unfinished.mkdir()
        for file, text in files.items():
            (unfinished / file).write_text(text, encoding="utf-8")
        replace(unfinished, folder)
    with store.temporary(f"{FOLDER}/{latest}") as pointer:
        pointer.symlink_to(name)
        if link.is_dir() and not link.is_symlink():  # in a copy that followed the link
            shutil.rmtree(link)
        pointer.replace(link)
    if store.remote:
        for file, text in files.items():
            store.write(f"{FOLDER}/{name}/{file}", text.encode())
        store.write(f"{FOLDER}/{latest}", name.encode())
    return folder


def show_table(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str], key: str, description: str
) -> None:
    """Show some columns of a table in the UI, which prints every digit of a float."""
    cells = [[(column, row[column]) for column in columns] for row in rows]
    shown = [{c: round(x, 5) if isinstance(x, float) else x for c, x in row} for row in cells]
    create_table_artifact(shown, key=key, description=description)
