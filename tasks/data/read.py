"""Finding a source of images, and reading it, checked."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.data.arrays import as_labels, as_pixels
from tasks.data.digits import COPIES, digits_source, make_digits
from tasks.data.folder import decode_pictures, digest_pictures, list_pictures
from tasks.data.handwriting import is_handwriting
from tasks.data.held_out import held_out, moved_to_front
from tasks.data.idx import IDX_NAMES, find_idx_files, read_idx_folder
from tasks.data.lists import is_list
from tasks.data.mnist import BRIEF, PERSISTENT, Patience, find_mnist
from tasks.data.names import as_positions, check_classes, in_order
from tasks.data.npz import read_npz
from tasks.data.pictures import automatic_size, is_coloured, prepare_arrays
from tasks.data.source import Arrays, Images, Reading, Source, digest_files
from tasks.errors import FullDiskError, InputError
from tasks.schemas.images import ClassName, Preparation

NAMED = ("auto", "mnist", "digits")
FORMS = (
    "a folder with a folder of pictures for each class, a .csv file with the columns path and "
    "label, a .npz file, or a folder with MNIST's four IDX files"
)


def find_source(
    dataset: str,
    seed: int,
    reading: Reading | None = None,
    mnist: Callable[[Patience], Path] = find_mnist,
) -> Source:
    """Finds and identifies a data set, without decoding it.

    That is "mnist" (cached or downloaded), "digits" (generated from scikit-learn's by the seed, 0
    or more), "auto" (mnist where it is to be had within seconds, else digits, which the source's
    notice says), or the path of one of `FORMS`. Raises InputError if there is no such data set,
    FullDiskError if there is no space for MNIST.
    """
    reading = reading or Reading()
    match dataset:
        case "digits":
            return digits_source(seed, reading)
        case "mnist":
            return replace(_identify(mnist(PERSISTENT), reading), name="MNIST")
        case "auto":
            return _mnist_or_digits(seed, reading, mnist)
    try:
        return _identify(Path(dataset).expanduser().absolute(), reading)
    # RuntimeError: the home folder of an unknown ~user.
    except (OSError, RuntimeError) as error:
        raise InputError(f"--dataset {dataset} cannot be read: {error}") from error


def _mnist_or_digits(seed: int, reading: Reading, mnist: Callable[[Patience], Path]) -> Source:
    try:
        return replace(_identify(mnist(BRIEF), reading), name="MNIST")
    except (InputError, FullDiskError) as error:
        notice = f"scikit-learn's small digits stand in for MNIST: {error}"
        return replace(digits_source(seed, reading), notice=notice)


def _identify(path: Path, reading: Reading) -> Source:
    if not path.exists():
        raise InputError(
            f"--dataset {path} does not exist; give auto, mnist, digits, or the path of {FORMS}"
        )
    if _is_idx(path):
        sha256 = digest_files(find_idx_files(path))
        return Source("idx", path.name, str(path), sha256, seed=0, reading=reading)
    if path.is_file() and path.suffix == ".npz":
        sha256 = digest_files([path])
        return Source("npz", path.name, str(path), sha256, seed=0, reading=reading)
    if path.is_dir() or is_list(path.name):
        sha256 = digest_pictures(list_pictures(path), path)
        return Source("pictures", path.name, str(path), sha256, seed=0, reading=reading)
    raise InputError(f"--dataset {path} is none of these: {FORMS}")


def _is_idx(path: Path) -> bool:
    """Whether a folder has one of the four files, so that one that is missing can be named."""
    stems = {name.partition("-idx")[0] for name in IDX_NAMES}
    return path.is_dir() and any(one.name.startswith(tuple(stems)) for one in path.iterdir())


def read_source(source: Source) -> Images:
    """Reads the images of a source, checked and prepared; every class has some in each split.

    Raises InputError if a file is missing, damaged or unreadable, or holds something else, or if
    there are not two classes with enough images.
    """
    try:
        images = _read_pictures(source) if source.format == "pictures" else _read_arrays(source)
    except OSError as error:
        raise InputError(f"{source.location} cannot be read: {error}") from error
    _check_counts(images, source.location)
    return images


def _read_arrays(source: Source) -> Images:
    arrays, place = _stored_arrays(source), source.location
    train, labels = _checked(arrays.train_images, arrays.train_labels, f"{place}: training")
    preparation, reading = _preparation(train, source), source.reading
    if arrays.test_images is None or arrays.test_labels is None:
        classes, pixels = _classes([labels], place), prepare_arrays(train, preparation)
        positions = as_positions(labels, classes)
        is_test = held_out(pixels, positions, reading.test_share, reading.split_seed)
        return _split(pixels, positions, is_test, classes, preparation)
    test, test_labels = _checked(arrays.test_images, arrays.test_labels, f"{place}: test")
    if train.shape[1:] != test.shape[1:]:
        raise InputError(
            f"{place}: a training image has shape {train.shape[1:]} and a test image "
            f"{test.shape[1:]} where one shape is right"
        )
    classes = _classes([labels, test_labels], place)
    copies = COPIES if source.format == "digits" else 1
    return Images(
        prepare_arrays(train, preparation),
        as_positions(labels, classes),
        prepare_arrays(test, preparation),
        as_positions(test_labels, classes),
        classes,
        preparation,
        originals=len(train) // copies if copies > 1 else 0,
        copies=copies,
    )


def _stored_arrays(source: Source) -> Arrays:
    if source.format == "digits":
        return make_digits(source.seed)
    path = Path(source.location)
    if source.format == "idx":
        arrays = read_idx_folder(path)
    else:
        with path.open("rb") as file:
            arrays = read_npz(file, str(path))
    # else images were remembered under the digest of what lay there before
    if _identify(path, source.reading).sha256 != source.sha256:
        raise _changed(path)
    return arrays


def _read_pictures(source: Source) -> Images:
    path, reading = Path(source.location), source.reading
    listed = list_pictures(path)
    labels = np.array([one.label for one in listed])
    classes = _classes([labels], source.location)
    pixels, preparation, sha256 = decode_pictures(listed, path, reading)
    if sha256 != source.sha256:
        raise _changed(path)
    positions = as_positions(labels, classes)
    is_test = np.array([one.split == "test" for one in listed])
    if not any(one.split for one in listed):
        is_test = held_out(pixels, positions, reading.test_share, reading.split_seed)
    return _split(pixels, positions, is_test, classes, preparation)


def _changed(path: Path) -> InputError:
    return InputError(f"{path} changed while it was used; start again")


def _checked(
    images: NDArray[Any], labels: NDArray[Any], split: str
) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    pixels = as_pixels(images, f"{split} images")
    if len(pixels) == 0:
        raise InputError(f"{split} images are none where at least one is needed")
    return pixels, as_labels(labels, len(pixels), f"{split} labels")


def _classes(labels: Iterable[NDArray[Any]], place: str) -> tuple[ClassName, ...]:
    classes = in_order(name for some in labels for name in np.unique(some).tolist())
    check_classes(classes, place)
    return classes


def _preparation(images: NDArray[np.uint8], source: Source) -> Preparation:
    """How pictures become what these images (n, h, w) or (n, h, w, 3) are to be."""
    reading, size = source.reading, source.reading.image_size
    if reading.preparation:
        return reading.preparation
    height, width = (size, size) if size else automatic_size([images.shape[1:3]])
    is_grey = images.ndim == 3 or not any(map(is_coloured, images))
    channels = 1 if reading.colour == "grey" or (reading.colour == "auto" and is_grey) else 3
    handwriting = reading.handwriting
    if handwriting is None:
        handwriting = source.format == "digits" or (images.ndim == 3 and is_handwriting(images))
    return Preparation(
        height=height,
        width=width,
        channels=channels,
        handwriting=handwriting and channels == 1,
        max_pixel=max(1, int(images.max())) if handwriting else 255,
    )


def _split(
    pixels: NDArray[np.uint8],
    positions: NDArray[Any],
    is_test: NDArray[np.bool_],
    classes: tuple[ClassName, ...],
    preparation: Preparation,
) -> Images:
    test, train = pixels[is_test], moved_to_front(pixels, ~is_test)
    return Images(train, positions[~is_test], test, positions[is_test], classes, preparation)


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
