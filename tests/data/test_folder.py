"""Pictures in class folders and in lists: found, read, held out, and refused in a sentence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.data.read import find_source, read_source
from tasks.data.source import Images, Reading
from tasks.errors import InputError

RNG = np.random.default_rng(0)


def save(path: Path, size: tuple[int, int] = (12, 10), mode: str = "RGB") -> Path:
    """A picture of noise of a size (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = RNG.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).convert(mode).save(path)
    return path


def read(path: Path, **reading: object) -> Images:
    return read_source(find_source(str(path), 0, Reading.model_validate(reading)))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Ten of each of two classes, with what systems leave in folders."""
    root = tmp_path / "photos"
    for name in ("dog", "cat"):
        for number in range(10):
            save(root / name / f"{number}.{('png', 'bmp', 'TIFF')[number % 3]}")
    for junk in ("cat/.DS_Store", "cat/._0.png", "__MACOSX/cat/0.png", "cat/Thumbs.db", "a.txt"):
        path = root / junk
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"junk")
    return root


def test_a_folder_for_each_class_gives_classes_and_a_fifth_is_held_out(photos):
    images = read(photos)
    assert images.classes == ("cat", "dog")
    assert (images.preparation.height, images.preparation.width) == (10, 12)
    assert images.train_images.shape == (16, 10, 12, 3)
    assert images.test_images.shape == (4, 10, 12, 3)
    assert np.bincount(images.train_labels).tolist() == [8, 8]
    assert np.bincount(images.test_labels).tolist() == [2, 2]


def test_pixels_are_those_of_the_files_with_their_labels(photos):
    images = read(photos)
    found = {
        image.tobytes(): images.classes[label]
        for image, label in [
            *zip(images.train_images, images.train_labels, strict=True),
            *zip(images.test_images, images.test_labels, strict=True),
        ]
    }
    for name in ("cat", "dog"):
        for path in (photos / name).glob("[0-9]*"):
            assert found[np.asarray(Image.open(path)).tobytes()] == name


def test_train_and_test_folders_are_kept_apart(tmp_path):
    for split, count in (("train", 3), ("test", 2)):
        for name in ("3", "10"):
            for number in range(count):
                save(tmp_path / "d" / split / name / f"{number}.png")
    images = read(tmp_path / "d")
    assert images.classes == (3, 10)
    assert (len(images.train_images), len(images.test_images)) == (6, 4)
    first = np.asarray(Image.open(tmp_path / "d" / "test" / "3" / "0.png"))
    assert any(np.array_equal(first, image) for image in images.test_images)


def test_of_a_train_folder_alone_a_fifth_is_held_out(tmp_path):
    for name in "ab":
        for number in range(5):
            save(tmp_path / "d" / "train" / name / f"{number}.png")
    images = read(tmp_path / "d")
    assert images.classes == ("a", "b")
    assert (len(images.train_images), len(images.test_images)) == (8, 2)


def test_a_list_names_paths_labels_and_splits(tmp_path):
    for name in "abcd":
        save(tmp_path / "pictures" / f"{name}.png")
    lines = ["path,label,split,note"]
    lines += [f"pictures/{n}.png,{c},{s}," for n, c, s in ("axt", "byt", "cxe", "dye")]
    lines = [line.replace(",t,", ",train,").replace(",e,", ",test,") for line in lines]
    (tmp_path / "list.csv").write_text("\n".join(lines), encoding="utf-8-sig")
    images = read(tmp_path / "list.csv")
    assert images.classes == ("x", "y")
    assert images.train_labels.tolist() == images.test_labels.tolist() == [0, 1]
    first = np.asarray(Image.open(tmp_path / "pictures" / "a.png"))
    np.testing.assert_array_equal(images.train_images[0], first)


@pytest.mark.parametrize(
    ("mode", "colour", "shape"),
    [
        ("RGB", "auto", (10, 12, 3)),
        ("RGB", "grey", (10, 12)),
        ("L", "auto", (10, 12)),
        ("L", "rgb", (10, 12, 3)),
    ],
)
def test_colour_is_what_the_data_are_or_what_is_asked(tmp_path, mode, colour, shape):
    for name in "ab":
        for number in range(2):
            save(tmp_path / "d" / name / f"{number}.png", mode=mode)
    images = read(tmp_path / "d", colour=colour)
    assert images.train_images.shape[1:] == shape
    assert images.preparation.channels == (3 if len(shape) == 3 else 1)


def test_handwriting_is_grey_and_colours_that_are_asked_for_are_none(photos):
    assert read(photos, handwriting=True).preparation.handwriting
    preparation = read(photos, handwriting=True, colour="rgb").preparation
    assert (preparation.channels, preparation.handwriting) == (3, False)


def test_grey_pictures_in_a_colour_format_are_grey(tmp_path):
    for name in "ab":
        for number in range(2):
            path = save(tmp_path / "d" / name / f"{number}.png", mode="L")
            Image.open(path).convert("RGB").save(path)
    assert read(tmp_path / "d").preparation.channels == 1


@pytest.mark.parametrize(
    ("sizes", "asked", "expected"),
    [
        ([(20, 30), (20, 30)], None, (30, 20)),
        ([(20, 30), (40, 50)], None, (30, 30)),
        ([(200, 300), (200, 300)], None, (64, 64)),
        ([(4, 4), (4, 4)], None, (8, 8)),
        ([(20, 30), (40, 50)], 16, (16, 16)),
    ],
)
def test_the_size_is_that_of_all_or_of_most_or_what_is_asked(tmp_path, sizes, asked, expected):
    for name in "ab":
        for number, size in enumerate(sizes):
            save(tmp_path / "d" / name / f"{number}.png", size)
    images = read(tmp_path / "d", image_size=asked)
    assert (images.preparation.height, images.preparation.width) == expected
    assert images.train_images.shape[1:3] == expected


def test_the_same_pictures_elsewhere_are_the_same_data_and_in_another_class_other_data(photos):
    before = find_source(str(photos), 0)
    moved = photos.rename(photos.parent / "moved")
    assert find_source(str(moved), 0).identity() == before.identity()
    (moved / "cat" / "0.png").rename(moved / "dog" / "new.png")
    assert find_source(str(moved), 0).sha256 != before.sha256


def test_pictures_that_changed_while_they_were_used_are_told(photos):
    source = find_source(str(photos), 0)
    save(photos / "cat" / "0.png")
    with pytest.raises(InputError, match="changed while it was used; start again"):
        read_source(source)


def refusal(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(path)
    return str(caught.value)


def test_pictures_in_no_class_folder_are_told(photos):
    save(photos / "loose.jpg")
    assert refusal(photos) == (
        f"{photos}/loose.jpg, one of 1, is in no class folder; put each picture into a folder "
        "named by its class, as in photos/cat/loose.jpg"
    )


def test_one_class_is_told(tmp_path):
    save(tmp_path / "d" / "cat" / "0.png")
    assert refusal(tmp_path / "d") == f"{tmp_path}/d has 1 class (cat) where 2 to 1,000 are right"


def test_an_empty_class_folder_is_told(photos):
    (photos / "bird").mkdir()
    assert refusal(photos) == (
        f"{photos}/bird has no PNG, JPEG, WebP, BMP or TIFF file; put some in it or remove it"
    )


def test_an_empty_folder_is_told(tmp_path):
    assert refusal(tmp_path) == (
        f"{tmp_path} has no pictures; give a folder with a folder for each class"
    )


def test_names_that_differ_in_case_are_told(photos):
    save(photos / "Cat" / "0.png")
    assert refusal(photos).startswith(f"{photos} has the classes 'Cat' and 'cat', which differ in")


def test_what_cannot_be_read_is_named_with_how_many_more(photos):
    for number in (0, 3, 6):
        path = photos / "dog" / f"{number}.png"
        path.write_bytes(path.read_bytes()[:60])
    sentence = refusal(photos)
    assert sentence.startswith(f"{photos}/dog/0.png is not an intact picture: ")
    assert sentence.endswith(", and 2 more cannot be used; mend or remove what cannot be used")


def test_a_class_of_one_picture_is_told(photos):
    save(photos / "bird" / "0.png")
    assert refusal(photos) == (
        f"{photos}: class bird has too few images (1 to train on, 0 to test on), and needs at "
        "least one of each, not the same; give it more or leave it out"
    )


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("path,class\na.png,x", "list.csv has no column label; it needs path and label"),
        ("path,label\n,x", "list.csv, line 2 has no path; give both"),
        ("path,label\na.png,", "list.csv, line 2 has no label; give both"),
        ("path,label,split\na.png,x,val", "list.csv, line 2 has the split 'val' where train or "),
        ("path,label\n", "list.csv has no pictures"),
        ("path,label\na.png,x\na.png,x ", "has the classes 'x' and 'x ', which differ in case"),
        (
            "path,label,split\na.png,x,test",
            "list.csv: training images are none where at least",
        ),
        ("path,label\nnone.png,x\nnone.png,y", "none.png cannot be read: No such file"),
    ],
)
def test_a_wrong_list_is_told(tmp_path, text, sentence):
    save(tmp_path / "a.png")
    (tmp_path / "list.csv").write_text(text)
    assert sentence in refusal(tmp_path / "list.csv")


def test_a_list_that_is_no_text_is_told(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"path,label\n\xff\xfe,x\n")
    assert "list.csv is not a CSV file in UTF-8" in refusal(tmp_path / "list.csv")
