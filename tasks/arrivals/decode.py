"""From the bytes of what was dropped to arrays, whose form, size and contrast are checked."""

import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import compress
from pathlib import PurePosixPath

import numpy as np

from tasks.data.arrays import Arrays, as_labels, as_pixels, read_npz
from tasks.data.folder import is_list, is_picture, read_list
from tasks.data.idx import IDX_NAMES, IMAGE, LABEL, idx_name, parse_idx
from tasks.data.names import as_positions, positions
from tasks.data.pictures import prepare_arrays, read_picture
from tasks.errors import InputError
from tasks.schemas.images import ClassName, LabelledImages
from tasks.schemas.references import Array, Mask, Pixels

MAX_BYTES = 2**28  # of the files that were dropped, and of each array in a .npz
MAX_IMAGES = 100_000
# An image whose brightest and darkest pixel are nearer than this part of the training images'
# median is nearly empty. Data sets differ: MNIST's pixels are 0..255, the embedded digits' 0..16.
FAINT = 0.1
TRAINING_ALONE = "it has test images where a batch has images to train on alone; leave them out"


class BadBatchError(InputError):
    """Why a batch cannot be used: what is wrong with it, and what would be right."""


@dataclass(frozen=True)
class Decoded:
    """Labelled images as they were dropped, prepared like those of the data set."""

    images: Pixels  # (n, height, width) or (n, height, width, 3), n > 0
    labels: Array  # the positions of their classes, (n,)
    files: tuple[str, ...] = ()  # of the rows; none where all came from one file

    def rows(self, mask: Mask) -> "Decoded":
        """Those that bool (n,) marks."""
        return Decoded(self.images[mask], self.labels[mask], tuple(compress(self.files, mask)))


def check_bytes(size: int) -> None:
    """The files have `MAX_BYTES` at most, so that they can be read."""
    if size > MAX_BYTES:
        raise BadBatchError(f"it has {size} bytes where {MAX_BYTES} are the most")


def find_faint(batch: Decoded, typical_range: float) -> str:
    """Which images, by file or by row from 0, are nearly empty, in words; "" if none is."""
    needed = FAINT * typical_range
    rows = np.flatnonzero(pixel_range(batch.images) < needed)
    if not rows.size:
        return ""
    verb = "is" if rows.size == 1 else "are"
    first = batch.files[rows[0]] if batch.files else f"row {rows[0]}"
    return (
        f"{rows.size} of its {len(batch.images)} images {verb} nearly empty or constant, first "
        f"{first}; the brightest and the darkest pixel of an image should differ by {needed:g} or "
        "more"
    )


def pixel_range(images: Pixels) -> Pixels:
    """Brightest minus darkest pixel, of any channel, of each of images (n, ...)."""
    return np.asarray(np.ptp(images, axis=tuple(range(1, images.ndim))))


def decode_npz(content: bytes, data: LabelledImages) -> Decoded:
    """Images and labels of a .npz; NotIntactError if not whole, InputError if of something else."""
    return _decode_arrays(read_npz(BytesIO(content), "the file", MAX_BYTES), data)


def is_of_a_batch(path: str, classes: Collection[ClassName]) -> bool:
    """Whether a file of a folder is in a class folder, or a CSV or IDX file beside the pictures."""
    first, *below = PurePosixPath(path).parts
    if below:
        return first in map(str, classes)
    return is_list(first) or idx_name(first) != ""


def decode_folder(contents: dict[str, bytes], data: LabelledImages) -> Decoded:
    """Files by relative path: pictures in class folders, or listed in a CSV file, or IDX files.

    A picture's class is the first folder of its path, as in `3/a.png`; where there is none, the CSV
    file says it. InputError if it is none of these, or a file cannot be used.
    """
    top = [path for path in contents if "/" not in path]
    has_folders = any(is_of_a_batch(path, data.classes) for path in set(contents) - set(top))
    lists = [path for path in top if is_list(path) and not has_folders]
    if not has_folders and not lists and any(map(idx_name, top)):
        return _decode_arrays(_idx_arrays(contents), data)
    labels = _listed(lists, contents) if lists else _by_folder(contents, data.classes)
    _check_count(len(labels))
    pixels = [read_picture(contents[path], path, data.preparation).pixels for path in labels]
    found = as_positions(np.array([*labels.values()]), data.classes)
    return Decoded(np.stack(pixels), found, tuple(labels))


def _decode_arrays(arrays: Arrays, data: LabelledImages) -> Decoded:
    if arrays.test_images is not None:
        raise BadBatchError(TRAINING_ALONE)
    pixels = as_pixels(arrays.train_images, "images")
    _check_count(len(pixels))
    labels = as_positions(as_labels(arrays.train_labels, len(pixels), "labels"), data.classes)
    return Decoded(prepare_arrays(pixels, data.preparation), labels)


def _check_count(count: int) -> None:
    if not 1 <= count <= MAX_IMAGES:
        raise BadBatchError(f"it has {count} images where 1 to {MAX_IMAGES} are right")


def _by_folder(contents: dict[str, bytes], classes: Sequence[ClassName]) -> dict[str, str]:
    labels = {}
    for path in filter(lambda path: is_picture(PurePosixPath(path).name), contents):
        labels[path] = PurePosixPath(path).parts[0] if "/" in path else "."
        try:
            positions([labels[path]], classes)
        except InputError as error:
            raise BadBatchError(
                f"{path} is not in a folder named by its class, as in {classes[0]}/a.png; {error}"
            ) from error
    return labels


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
