"""What waits for a person's decision, as a page of pictures."""

from base64 import b64encode
from collections.abc import Sequence
from io import BytesIO

import numpy as np

from tasks.arrivals.batch import Note
from tasks.reporting.page import fill
from tasks.schemas.images import ClassName
from tasks.schemas.references import Pixels
from tasks.storage.store import Store

PAGE = "review/index.html"
MOST_SHOWN = 60  # images of a batch


def write_page(store: Store, notes: Sequence[Note]) -> str:
    """Write the page of what waits, and return where it lies."""
    waiting = [note for note in notes if note.state == "waiting"]
    batches = [{"note": note, "shown": _shown(store, note)} for note in waiting]
    store.write(PAGE, fill("review.html.jinja", {"batches": batches}, {}).encode())
    return store.place(PAGE)


def _shown(store: Store, note: Note) -> list[dict[str, ClassName]]:
    images, given = store.array(note.batch.images), store.array(note.batch.labels)
    suggested = store.array(note.suggested) if note.suggested else given
    order = np.argsort(given == suggested, kind="stable")[:MOST_SHOWN]
    columns = (map(_picture, images[order]), given[order], suggested[order])
    return [
        {"picture": picture, "given": note.classes[label], "suggested": note.classes[other]}
        for picture, label, other in zip(*columns, strict=True)
    ]


def _picture(image: Pixels) -> str:
    """An image (h, w) or (h, w, 3) as a data URI, its brightest pixel white."""
    from PIL import Image

    brightest = max(1, int(image.max()))
    buffer = BytesIO()
    Image.fromarray(image).point(lambda level: level * 255 // brightest).save(buffer, "PNG")
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
