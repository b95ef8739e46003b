"""From the bytes of what was dropped to arrays: one .npz, or PNG files in label folders."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath

import numpy as np
from numpy.typing import NDArray

from tasks.arrivals.validation import MAX_BYTES, BadBatchError, check_count
from tasks.data.files import GREY_MODES, opaque_grey
from tasks.data.npz import NotIntactError, read_arrays
from tasks.data.source import image_flaw, label_flaw
from tasks.errors import InputError

LABELS = tuple("0123456789")


@dataclass(frozen=True)
class Decoded:
    """Labelled images as they were dropped.

    `images` are uint8 (n, 28, 28) of 0..255, n > 0, and `labels` uint8 (n,) of 0..9; `files` are
    those of the rows, none where all came from one file.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    files: tuple[str, ...] = ()

    def place(self, row: int) -> str:
        """What a person calls a row."""
        return self.files[row] if self.files else f"row {row}"


def decode_npz(content: bytes) -> Decoded:
    """Arrays `images` and `labels` of a .npz; BadBatchError if it holds something else.

    Raises NotIntactError if it is no .npz, damaged, or not yet written to its end.
    """
    try:
        images, labels = read_arrays(BytesIO(content), "the file", ("images", "labels"), MAX_BYTES)
    except NotIntactError:
        raise
    except InputError as error:
        raise BadBatchError(str(error)) from error
    if flaw := image_flaw(images):
        raise BadBatchError(flaw)
    check_count(len(images))
    if flaw := label_flaw(labels, len(images)):
        raise BadBatchError(flaw)
    return Decoded(images, labels.astype(np.uint8))


def decode_pngs(contents: dict[str, bytes]) -> Decoded:
    """PNG files by relative path, as in `3/a.png`: the last folder is the label.

    Raises BadBatchError if one is damaged, no grey image of 28 x 28, or not in a label folder.
    """
    check_count(len(contents))
    labels = np.array([_label(path) for path in contents], np.uint8)
    images = np.stack([_decode_png(path, content) for path, content in contents.items()])
    return Decoded(images, labels, tuple(contents))


def _label(path: str) -> int:
    folder = PurePosixPath(path).parent.as_posix()
    if folder not in LABELS:
        raise BadBatchError(f"{path} is not in a folder named by its label, 0 to 9, as in 3/a.png")
    return int(folder)


def _decode_png(path: str, content: bytes) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(BytesIO(content), formats=["PNG"]) as image:
            width, height = image.size
            if image.size != (28, 28):  # before room is made for what the header claims
                raise BadBatchError(f"{path} has {width} x {height} pixels where 28 x 28 are right")
            image.verify()  # every chunk up to the last, which loading would not miss
        with Image.open(BytesIO(content), formats=["PNG"]) as image:
            grey = opaque_grey(image)
    except BadBatchError:
        raise
    except Exception as error:  # Pillow answers damaged bytes with errors of many types
        raise BadBatchError(f"{path} is not an intact PNG file") from error
    if grey is not None:
        return grey
    if image.mode in GREY_MODES:
        raise BadBatchError(f"{path} is in colour or transparent where opaque grey is right")
    raise BadBatchError(f"{path} is of mode {image.mode} where 8 bits of grey (L) are right")
