"""The folder of a report: written atomically, with a pointer to the latest, linked in the UI."""

import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.logging import get_run_logger

from tasks.storage.files import replace
from tasks.storage.store import Store

FOLDER = "reports"


def publish(
    store: Store, files: dict[str, str], summary: str, key: str, latest: str = "latest"
) -> Path:
    """Write a report, log where it is, here and on a remote, and show its summary in the UI.

    The summary is a markdown artifact under `key`, beside which `<key>-file` links the report.
    Returns the folder on this machine.
    """
    folder = write_folder(store, files, latest)
    create_markdown_artifact(summary, key=key, description="The verdict.")
    page = folder / "report.html"
    create_link_artifact(
        page.resolve().as_uri(), page.name, key=f"{key}-file", description="The whole report."
    )
    get_run_logger().info("Report: %s", page)
    if store.remote:
        get_run_logger().info("Report: %s", store.place(f"{FOLDER}/{folder.name}/{page.name}"))
    return folder


def write_folder(store: Store, files: dict[str, str], latest: str = "latest") -> Path:
    """Write a report into a folder of its own and let `latest` point at it, each atomically.

    On a remote, `latest` is a file with the name of the folder, and written when all is there.
    Returns the folder on this machine.
    """
    name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%S}-{uuid4().hex[:6]}"
    folder = _write_here(store, files, name, latest)
    if store.remote:
        for file, text in files.items():
            store.write(f"{FOLDER}/{name}/{file}", text.encode())
        store.write(f"{FOLDER}/{latest}", name.encode())
    return folder


def _write_here(store: Store, files: dict[str, str], name: str, latest: str) -> Path:
    path, pointer_path = f"{FOLDER}/{name}", f"{FOLDER}/{latest}"
    folder, link = store.root / path, store.root / pointer_path
    with store.temporary(path) as unfinished:
        unfinished.mkdir()
        for file, text in files.items():
            (unfinished / file).write_text(text, encoding="utf-8")
        replace(unfinished, folder)
    with store.temporary(pointer_path) as pointer:
        pointer.symlink_to(name)
        if link.is_dir() and not link.is_symlink():  # in a copy that followed the link
            shutil.rmtree(link)
        pointer.replace(link)
    return folder


def show_table(
    rows: Sequence[Mapping[str, object]], columns: Sequence[str], key: str, description: str
) -> None:
    """Show some columns of a table in the UI, which prints every digit of a float."""
    shown = [{column: _rounded(row[column]) for column in columns} for row in rows]
    create_table_artifact(shown, key=key, description=description)


def _rounded(cell: object) -> object:
    return round(cell, 5) if isinstance(cell, float) else cell
