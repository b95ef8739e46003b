"""From the bytes of what was dropped to arrays, in each of the forms that a data set has."""

import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import compress
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.arrivals.validation import MAX_BYTES, BadBatchError, check_count
from tasks.data.arrays import as_labels, as_pixels
from tasks.data.folder import is_list, is_picture, read_list
from tasks.data.idx import IDX_NAMES, IMAGE, LABEL, idx_name, parse_idx
from tasks.data.names import as_positions, positions
from tasks.data.npz import NotIntactError, read_npz
from tasks.data.pictures import prepare_arrays, read_picture
from tasks.data.source import Arrays
from tasks.errors import InputError
from tasks.schemas.images import ClassName, Preparation

TRAINING_ALONE = "it has test images where a batch has images to train on alone; leave them out"


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

    def rows(self, mask: NDArray[np.bool_]) -> "Decoded":
        """Those that bool (n,) marks."""
        return Decoded(self.images[mask], self.labels[mask], tuple(compress(self.files, mask)))


def decode_npz(content: bytes, classes: Sequence[ClassName], preparation: Preparation) -> Decoded:
    """Images and labels of a .npz; BadBatchError if it holds something else.

    Raises NotIntactError if it is no .npz, damaged, or not yet written to its end.
    """
    try:
        arrays = read_npz(BytesIO(content), "the file", MAX_BYTES)
        return _decode_arrays(arrays, classes, preparation)
    except NotIntactError:
        raise
    except InputError as error:
        raise BadBatchError(str(error)) from error


def is_of_a_batch(path: str, classes: Collection[ClassName]) -> bool:
    """Whether a file of a folder is in a class folder, or a CSV or IDX file beside the pictures."""
    first, *below = PurePosixPath(path).parts
    if below:
        return first in map(str, classes)
    return is_list(first) or idx_name(first) != ""


def decode_folder(
    contents: dict[str, bytes], classes: Sequence[ClassName], preparation: Preparation
) -> Decoded:
    """Files by relative path: pictures in class folders, or listed in a CSV file, or IDX files.

    A picture's class is the first folder of its path, as in `3/a.png` or `cat/a.jpg`; where there
    is no class folder, the CSV file says it. BadBatchError if it is none of these, or a file cannot
    be used.
    """
    top = [path for path in contents if "/" not in path]
    has_folders = any(is_of_a_batch(path, classes) for path in set(contents) - set(top))
    lists = [path for path in top if is_list(path) and not has_folders]
    try:
        if not has_folders and not lists and any(map(idx_name, top)):
            return _decode_arrays(_idx_arrays(contents), classes, preparation)
        labels = _listed(lists, contents) if lists else _by_folder(contents, classes)
        check_count(len(labels))
        pixels = [read_picture(contents[path], path, preparation).pixels for path in labels]
        found = as_positions(np.array([*labels.values()]), classes)
        return Decoded(np.stack(pixels), found, tuple(labels))
    except InputError as error:
        raise BadBatchError(str(error)) from error


def _decode_arrays(
    arrays: Arrays, classes: Sequence[ClassName], preparation: Preparation
) -> Decoded:
    if arrays.test_images is not None:
        raise BadBatchError(TRAINING_ALONE)
    pixels = as_pixels(arrays.train_images, "images")
    check_count(len(pixels))
    labels = as_positions(as_labels(arrays.train_labels, len(pixels), "labels"), classes)
    return Decoded(prepare_arrays(pixels, preparation), labels)


def _by_folder(contents: dict[str, bytes], classes: Sequence[ClassName]) -> dict[str, str]:
    pictures = [path for path in contents if is_picture(PurePosixPath(path).name)]
    return {path: _folder(path, classes) for path in pictures}


def _folder(path: str, classes: Sequence[ClassName]) -> str:
    folder = PurePosixPath(path).parts[0] if "/" in path else "."
    try:
        positions([folder], classes)
    except InputError as error:
        raise BadBatchError(
            f"{path} is not in a folder named by its class, as in {classes[0]}/a.png; {error}"
        ) from error
    return folder


def _listed(lists: Sequence[str], contents: dict[str, bytes]) -> dict[str, str]:
    if len(lists) > 1:
        raise BadBatchError(f"it has {len(lists)} CSV files where one is right")
    labels: dict[str, str] = {}
    for line in read_list(BytesIO(contents[lists[0]]), lists[0]):
        path = posixpath.normpath(line.path)
        if line.split == "test":
            raise BadBatchError(TRAINING_ALONE)
        if path not in contents or not is_picture(PurePosixPath(path).name):
            raise BadBatchError(f"{lists[0]} lists {line.path}, which is no picture of the batch")
        if labels.setdefault(path, line.label) != line.label:
            raise BadBatchError(f"{lists[0]} lists {line.path} as {labels[path]} and {line.label}")
    return labels


def _idx_arrays(contents: dict[str, bytes]) -> Arrays:
    found = {idx_name(path): path for path in contents}
    if missing := [name for name in IDX_NAMES[:2] if name not in found]:
        raise BadBatchError(f"it has no file {missing[0]}; give images and labels")
    if found.keys() & set(IDX_NAMES[2:]):
        raise BadBatchError(TRAINING_ALONE)
    images, labels = (found[name] for name in IDX_NAMES[:2])
    return Arrays(
        parse_idx(BytesIO(contents[images]), images, IMAGE),
        parse_idx(BytesIO(contents[labels]), labels, LABEL),
    )
