"""Finding a source of images, and reading it, checked."""

from collections.abc import Callable
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.data.arrays import as_labels, as_pixels
from tasks.data.digits import COPIES, digits_source, make_digits
from tasks.data.folder import decode_pictures, digest_pictures
from tasks.data.handwriting import is_handwriting
from tasks.data.held_out import held_out, split
from tasks.data.idx import find_idx_files, idx_name, read_idx_folder
from tasks.data.lists import is_list
from tasks.data.mnist import find_mnist
from tasks.data.names import as_positions, check_classes, in_order
from tasks.data.npz import read_npz
from tasks.data.pictures import automatic_size, is_coloured, prepare_arrays
from tasks.data.source import Arrays, Format, Images, Reading, Source, digest_files
from tasks.errors import FullDiskError, InputError
from tasks.schemas.images import Preparation

_ahead: dict[Source, Images] = {}  # thousands of pictures are not decoded twice
NAMED = ("auto", "mnist", "digits")
FORMS = (
    "a folder with a folder of pictures for each class, a .csv file with the columns path and "
    "label, a .npz file, or a folder with MNIST's four IDX files"
)


def find_source(
    dataset: str,
    seed: int,
    reading: Reading | None = None,
    mnist: Callable[[bool], Path] = find_mnist,
) -> Source:
    """Finds and identifies a data set, without decoding it.

    That is "mnist" (cached or downloaded), "digits" (generated from scikit-learn's by the seed, 0
    or more), "auto" (mnist where it is to be had within seconds, else digits, which the source's
    notice says), or the path of one of `FORMS`. Raises InputError if there is no such data set,
    FullDiskError if there is no space for MNIST.
    """
    reading = reading or Reading()
    if dataset == "digits":
        return digits_source(seed, reading)
    try:
        if dataset in NAMED:
            return replace(_identify(mnist(dataset == "mnist"), reading), name="MNIST")
        return _identify(Path(dataset).expanduser().absolute(), reading)
    except (InputError, FullDiskError) as error:
        if dataset != "auto":
            raise
        notice = f"scikit-learn's small digits stand in for MNIST: {error}"
        return replace(digits_source(seed, reading), notice=notice)
    # RuntimeError: the home folder of an unknown ~user
    except (OSError, RuntimeError) as error:
        raise InputError(f"--dataset {dataset} cannot be read: {error}") from error


def _identify(path: Path, reading: Reading) -> Source:
    if not path.exists():
        raise InputError(
            f"--dataset {path} does not exist; give auto, mnist, digits, or the path of {FORMS}"
        )
    of_format: Format
    if path.is_dir() and any(idx_name(one.name) for one in path.iterdir()):
        of_format, sha256 = "idx", digest_files(find_idx_files(path))
    elif path.is_file() and path.suffix == ".npz":
        of_format, sha256 = "npz", digest_files([path])
    elif path.is_dir() or is_list(path.name):
        of_format, sha256 = "pictures", digest_pictures(path)
    else:
        raise InputError(f"--dataset {path} is none of these: {FORMS}")
    return Source(of_format, path.name, str(path), sha256, seed=0, reading=reading)


def read_source(source: Source, ahead: bool = False) -> Images:
    """Reads the images of a source, checked and prepared; every class has some in each split.

    Raises InputError if a file is missing, damaged or unreadable, or holds something else, or if
    there are not two classes with enough images. What is read `ahead` of a run is kept for it.
    """
    if source in _ahead:
        return _ahead.pop(source)
    try:
        images = _read(_stored(source), source)
    except OSError as error:
        raise InputError(f"{source.location} cannot be read: {error}") from error
    _check_counts(images, source.location)
    if ahead:
        _ahead[source] = images
    return images


def _stored(source: Source) -> Arrays:
    if source.format == "digits":
        return make_digits(source.seed)
    path = Path(source.location)
    if source.format == "idx":
        arrays = read_idx_folder(path)
    elif source.format == "pictures":
        arrays = decode_pictures(path, source.reading)
    else:
        with path.open("rb") as file:
            arrays = read_npz(file, str(path))
    # else images were remembered under the digest of what lay there before
    if _identify(path, source.reading).sha256 != source.sha256:
        raise InputError(f"{path} changed while it was used; start again")
    return arrays


def _read(arrays: Arrays, source: Source) -> Images:
    place, reading = source.location, source.reading
    train, labels = _checked(arrays.train_images, arrays.train_labels, f"{place}: training")
    test, test_labels = train[:0], labels[:0]
    if arrays.test_images is not None and arrays.test_labels is not None:
        test, test_labels = _checked(arrays.test_images, arrays.test_labels, f"{place}: test")
        if train.shape[1:] != test.shape[1:]:
            raise InputError(
                f"{place}: a training image has shape {train.shape[1:]} and a test image "
                f"{test.shape[1:]} where one shape is right"
            )
    preparation = reading.preparation or _preparation(train, test, source)
    train, test = (prepare_arrays(images, preparation) for images in (train, test))
    if not len(test):
        is_test = held_out(train, labels, reading.test_share, reading.split_seed)
        train, labels, test, test_labels = split(train, labels, is_test)
    classes = in_order(np.unique(labels).tolist() + np.unique(test_labels).tolist())
    check_classes(classes, place)
    copies = COPIES if source.format == "digits" else 1
    return Images(
        train,
        as_positions(labels, classes),
        test,
        as_positions(test_labels, classes),
        classes,
        preparation,
        originals=len(train) // copies if copies > 1 else 0,
        copies=copies,
    )


def _checked(
    images: NDArray[Any], labels: NDArray[Any], split: str
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    pixels = as_pixels(images, f"{split} images")
    if len(pixels) == 0:
        raise InputError(f"{split} images are none where at least one is needed")
    return pixels, as_labels(labels, len(pixels), f"{split} labels")


def _preparation(train: NDArray[np.uint8], test: NDArray[np.uint8], source: Source) -> Preparation:
    """How pictures become what these images (n, h, w) or (n, h, w, 3) are to be."""
    reading, size = source.reading, source.reading.image_size
    height, width = (size, size) if size else automatic_size([train.shape[1:3]])
    is_grey = train.ndim == 3 or not any(map(is_coloured, chain(train, test)))
    channels = 1 if reading.colour == "grey" or (reading.colour == "auto" and is_grey) else 3
    handwriting, is_as_stored = reading.handwriting, source.format != "pictures"
    if handwriting is None and is_as_stored:
        handwriting = source.format == "digits" or (train.ndim == 3 and is_handwriting(train))
    return Preparation(
        height=height,
        width=width,
        channels=channels,
        handwriting=bool(handwriting) and channels == 1,
        max_pixel=max(1, int(train.max())) if handwriting and is_as_stored else 255,
    )


def _check_counts(images: Images, place: str) -> None:
    """Raise InputError if a class has no image to train on, or none to test on."""
    found = (images.train_labels, images.test_labels)
    train, test = (np.bincount(labels, minlength=len(images.classes)) for labels in found)
    if (lacking := np.flatnonzero((train == 0) | (test == 0))).size:
        first = lacking[0]
        more = f", like {lacking.size - 1:,} more," if lacking.size > 1 else ""
        raise InputError(
            f"{place}: class {images.classes[first]}{more} has too few images ({train[first]:,} to "
            f"train on, {test[first]:,} to test on), and needs at least one of each, not the same; "
            "give it more or leave it out"
        )
