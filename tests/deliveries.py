"""What the tests of arrivals drop into an inbox, and how they look into it."""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import squares
from PIL import Image

from tasks.arrivals.arrivals import Arrivals, take_in
from tasks.arrivals.batch import Batch, accepted, read_notes
from tasks.errors import InputError
from tasks.schemas.images import LabelledImages, Preparation
from tasks.schemas.references import Dataset, Split
from tasks.storage.store import Store

CLASSES = tuple(range(10))
PREPARATION = Preparation(height=28, width=28, channels=1)


@dataclass(frozen=True)
class Looked:
    """What came of a look into the inbox, by fate."""

    used: tuple[Batch, ...]
    new: tuple[str, ...]
    quarantined: tuple[tuple[str, str], ...]
    unfinished: tuple[str, ...]


def by_fate(found: Arrivals) -> Looked:
    return Looked(
        used=found.used,
        new=tuple(name for name, fate, _ in found.fates if fate == "new"),
        quarantined=tuple((name, why) for name, fate, why in found.fates if fate == "quarantined"),
        unfinished=tuple(name for name, fate, _ in found.fates if fate == "unfinished"),
    )


def look(inbox: object, store: Store, settle: float = 0, hold_out: float = 0) -> Looked:
    """Take in what lies in the inbox, on top of 400 training and 100 test images."""
    return by_fate(take_in(str(inbox), base(store), store, settle, hold_out))


def used_batches(store: Store) -> tuple[Batch, ...]:
    """All accepted batches, in order of acceptance."""
    return accepted(read_notes(store))


def base(store: Store) -> LabelledImages:
    images = Dataset(train=split(store, 400, seed=1), test=split(store, 100, seed=2))
    return LabelledImages(images=images, classes=CLASSES, preparation=PREPARATION)


def split(store: Store, count: int, seed: int) -> Split:
    images, labels = squares(count, seed)
    return Split(inputs=store.add_array("i", images), labels=store.add_array("l", labels))


def npz(images: np.ndarray, labels: np.ndarray) -> bytes:
    buffer = BytesIO()
    np.savez(buffer, images=images, labels=labels)
    return buffer.getvalue()


def png(pixels: np.ndarray, mode: str = "L") -> bytes:
    buffer = BytesIO()
    Image.fromarray(pixels).convert(mode).save(buffer, "PNG")
    return buffer.getvalue()


def drop_pngs(folder: Path, images: np.ndarray, labels: np.ndarray, name: str = "image") -> None:
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        path = folder / str(label) / f"{name}-{row:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(image))


def names(folder: Path) -> list[str]:
    """Every file below a folder."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def reason(check: Callable[..., Any], *arguments: Any) -> str:
    """Why a check rejects a batch."""
    with pytest.raises(InputError) as error:
        check(*arguments)
    return str(error.value)
