"""TensorFlow's import, which takes seconds, beside the start of Prefect's temporary server."""

import threading
from hashlib import sha256
from importlib import import_module
from pathlib import Path

from flows.cli_types import ELSEWHERE
from flows.config import RunConfig
from tasks.storage.files import space_for
from tasks.storage.source import source_sha256
from tasks.storage.store import Store

FOLDER = "finished"


def import_ahead(config: RunConfig) -> None:
    """Import Keras, and TensorFlow with it, in another thread if the run will need them."""
    if not is_finished(config):
        # no daemon: an interpreter that ends while a thread is inside TensorFlow may crash
        threading.Thread(target=import_module, args=("keras",), name="import-ahead").start()


def is_finished(config: RunConfig) -> bool:
    """Whether a run with this configuration ended well, so that it would find everything cached."""
    return not config.refresh and _mark(config).exists()


def mark_finished(config: RunConfig) -> None:
    """Note that all which this configuration needs has been computed."""
    mark = _mark(config)
    with space_for(mark):
        mark.parent.mkdir(exist_ok=True)
        mark.touch()


def _mark(config: RunConfig) -> Path:
    """An empty file, named by whatever decides what is computed, but for the data."""
    settings = config.model_dump_json(exclude=set(ELSEWHERE))
    source = source_sha256(config.script.removesuffix(".py").replace("/", "."))
    name = sha256((settings + source).encode()).hexdigest()
    return Store.at(config.artifacts).root / FOLDER / name
