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
from tasks.data.names import label_type, positions
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
        names = as_labels(labels, len(pixels), "labels")
        found, of_found = np.unique(names, return_inverse=True)
        numbers = np.array(positions(found.tolist(), classes))
    except NotIntactError:
        raise
    except InputError as error:
        raise BadBatchError(str(error)) from error
    return Decoded(prepare_arrays(pixels, preparation), _as_labels(numbers[of_found], classes))


def decode_pictures(
    contents: dict[str, bytes], classes: Sequence[ClassName], preparation: Preparation
) -> Decoded:
    """Pictures by relative path, as in `3/a.png` or `cat/a.jpg`: the last folder is the class.

    Raises BadBatchError if one cannot be used, or is not in the folder of a class.
    """
    check_count(len(contents))
    names = [str(name) for name in classes]
    labels = np.array([_label(path, names) for path in contents])
    try:
        found = [read_picture(one, path, preparation) for path, one in contents.items()]
    except InputError as error:
        raise BadBatchError(str(error)) from error
    images = np.stack([prepared.pixels for prepared in found])
    return Decoded(images, _as_labels(labels, classes), tuple(contents))


def _label(path: str, names: Sequence[str]) -> int:
    folder = PurePosixPath(path).parent.as_posix()
    try:
        return positions([folder], names)[0]
    except InputError as error:
        raise BadBatchError(
            f"{path} is not in a folder named by its class, as in {names[0]}/a.png; {error}"
        ) from error


def _as_labels(numbers: NDArray[Any], classes: Sequence[ClassName]) -> NDArray[Any]:
    return numbers.astype(label_type(len(classes)))
