"""What both reports are published by: the numbers of a run, a folder of files, and the UI."""

import os
import platform
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

from pydantic import BaseModel

from tasks.data.mnist import dataset_sha256, is_mnist
from tasks.data.source import Source
from tasks.networks.hardware import processor, processor_features
from tasks.reporting.page import Row, fill
from tasks.schemas.references import Dataset
from tasks.storage.files import replace
from tasks.storage.stages import executor, get_run_logger
from tasks.storage.store import Store

FOLDER, NAMED = "reports", "%Y-%m-%dT%H-%M-%S"  # by when it was written, in UTC
PAGES = "DIGIT_TRANSFER_PAGES"  # the variable with the address of the page of `flows/serve.py`
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
        "tasks": [one.model_dump() for one in executor.get().finished],
    }


def publish(
    store: Store, files: dict[str, str], metrics: Row, key: str, latest: str = "latest"
) -> Path:
    """Write a report, log what was found, show it in the UI under `key`, and return its folder."""
    folder = write_folder(store, files, latest)
    page = f"{FOLDER}/{folder.name}/report.html"
    local, served = (store.root / page).resolve().as_uri(), os.environ.get(PAGES)
    place = {"path": store.place(page), "link": served and f"{served}/{page}", "local": local}
    found = metrics | {"place": place | {"is_remote": bool(store.remote)}}
    show(key, fill("ui.md.jinja", found, {}), "What was found.")
    get_run_logger().info(fill("terminal.txt.jinja", found, {}).strip())
    return folder


def show(key: str, text: str, description: str, run: UUID | None = None) -> None:
    """A Markdown artifact of a flow's run, the present one by itself, if Prefect runs it."""
    if not getattr(executor.get(None), "is_prefect", True):  # in a hook there is none
        return
    from prefect import runtime
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import ArtifactCreate

    id = run or (runtime.flow_run.id and UUID(str(runtime.flow_run.id)))
    told = {"type": "markdown", "description": description, "data": text, "flow_run_id": id}
    with get_client(sync_client=True) as client:
        client.create_artifact(ArtifactCreate(key=key, **told))


def tell(what: str, about: str, message: str, once: str = "") -> None:
    """Emit for automations that `what` happened to `about`, if Prefect runs it.

    A server keeps one for each `once`, which is a run's, if it is not given.
    """
    if not getattr(executor.get(None), "is_prefect", True):  # in a hook there is none
        return
    from prefect import runtime
    from prefect.events import emit_event

    resource = {"prefect.resource.id": f"digit-transfer.{about}"}
    id = uuid5(NAMESPACE_OID, f"{what} {about} {once or runtime.flow_run.id}")
    emit_event(f"digit-transfer.{what}", resource, payload={"message": message}, id=id)


def write_folder(store: Store, files: dict[str, str], latest: str = "latest") -> Path:
    """Write a report into a folder of its own on this machine, and return it; `latest` is a link.

    Each is written atomically. On a remote `latest` is a file with the folder's name, written last.
    """
    name = f"{datetime.now(UTC):{NAMED}}-{uuid4().hex[:6]}"
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


def find_reports(store: Store) -> list[tuple[datetime, Path]]:
    """When each report on this machine was written, in UTC, and its folder, the oldest first."""
    folders = (store.root / FOLDER).glob("????-??-??T??-??-??-*")
    return sorted((datetime.strptime(f"{one.name[:19]}Z", f"{NAMED}%z"), one) for one in folders)
