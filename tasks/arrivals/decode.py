"""From the bytes of what was dropped to arrays: one .npz, or pictures in class folders."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrivals.validation import MAX_BYTES, BadBatchError, check_count
from tasks.data.arrays import as_labels, as_pixels
from tasks.data.names import as_positions, positions
from tasks.data.npz import NotIntactError, read_arrays
from tasks.data.pictures import prepare_arrays, read_picture
from tasks.errors import InputError
from tasks.schemas.images import ClassName, Preparation


@dataclass(frozen=True)
class Decoded:
    """Labelled images as they were dropped, prepared like those of the data set.

    `images` are uint8 (n, height, width) or (n, height, width, 3), n > 0, and `labels` (n,) the
    positions of their classes; `files` are those of the rows, none where all came from one file.
    """

    images: NDArray[np.uint8]
    labels: NDArray[Any]
    files: tuple[str, ...] = ()

    def place(self, row: int) -> str:
        """What a person calls a row."""
        return self.files[row] if self.files else f"row {row}"


def decode_npz(content: bytes, classes: Sequence[ClassName], preparation: Preparation) -> Decoded:
    """Arrays `images` and `labels` of a .npz; BadBatchError if it holds something else.

    Raises NotIntactError if it is no .npz, damaged, or not yet written to its end.
    """
    try:
        images, labels = read_arrays(BytesIO(content), "the file", ("images", "labels"), MAX_BYTES)
        pixels = as_pixels(images, "images")
        check_count(len(pixels))
        numbers = as_positions(as_labels(labels, len(pixels), "labels"), classes)
    except NotIntactError:
        raise
    except InputError as error:
        raise BadBatchError(str(error)) from error
    return Decoded(prepare_arrays(pixels, preparation), numbers)


def decode_pictures(
    contents: dict[str, bytes], classes: Sequence[ClassName], preparation: Preparation
) -> Decoded:
    """Pictures by relative path, as in `3/a.png` or `cat/a.jpg`: the last folder is the class.

    Raises BadBatchError if one cannot be used, or is not in the folder of a class.
    """
    check_count(len(contents))
    labels = as_positions(np.array([_label(path, classes) for path in contents]), classes)
    try:
        found = [read_picture(one, path, preparation) for path, one in contents.items()]
    except InputError as error:
        raise BadBatchError(str(error)) from error
    images = np.stack([prepared.pixels for prepared in found])
    return Decoded(images, labels, tuple(contents))


def _label(path: str, classes: Sequence[ClassName]) -> str:
    folder = PurePosixPath(path).parent.as_posix()
    try:
        positions([folder], classes)
    except InputError as error:
        raise BadBatchError(
            f"{path} is not in a folder named by its class, as in {classes[0]}/a.png; {error}"
        ) from error
    return folder
