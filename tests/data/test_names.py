"""Names of classes: their order, what is refused, and which one was meant."""

import pytest

from tasks.data.names import check_classes, in_order, positions, shown_names
from tasks.errors import InputError


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["10", "9", "1", "9"], (1, 9, 10)),
        ([3, -1, 0], (-1, 0, 3)),
        (["b", "a", "10"], ("10", "a", "b")),
        (["007", "7"], ("007", "7")),
        (["dog", "Cat", "ant"], ("Cat", "ant", "dog")),
    ],
)
def test_numbers_come_in_numeric_order_and_text_in_alphabetical(names, expected):
    assert in_order(names) == expected


def test_a_class_is_found_by_its_name_as_number_or_text():
    assert positions(["dog", "ant"], ("ant", "cat", "dog")) == (2, 0)
    assert positions([10, "9"], (9, 10)) == (1, 0)
    assert positions([1], ("1", "a")) == (0,)


@pytest.mark.parametrize(
    ("name", "classes", "sentence"),
    [
        ("Cat", ("cat", "cut", "dog"), "the data have no class Cat; the nearest are cat, cut"),
        ("bird", ("cat", "dog"), "the data have no class bird; there are cat, dog"),
        (7, (0, 1), "the data have no class 7; there are 0, 1"),
        (
            "x",
            tuple(range(26)),
            "the data have no class x; there are 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 16 more",
        ),
    ],
)
def test_a_class_that_is_not_there_is_told_with_the_nearest(name, classes, sentence):
    with pytest.raises(InputError) as caught:
        positions([name], classes)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("classes", "sentence"),
    [
        (("cat",), "p has 1 class (cat) where 2 to 1,000 are right"),
        ((), "p has 0 classes where 2 to 1,000 are right"),
        (tuple(range(1001)), "p has 1,001 classes where 2 to 1,000 are right"),
        (("", "cat"), "p has a class without a name; give each class a name"),
        (
            ("Cat", "cat"),
            "p has the classes 'Cat' and 'cat', which differ in case or spaces alone; "
            "give one of them another name, or join them",
        ),
        (
            ("cat", "cat "),
            "p has the classes 'cat' and 'cat ', which differ in case or spaces alone; "
            "give one of them another name, or join them",
        ),
        (
            ("caf\u00e9", "cafe\u0301"),
            "p has the classes 'caf\u00e9' and 'cafe\u0301', which differ in case or spaces alone; "
            "give one of them another name, or join them",
        ),
    ],
)
def test_classes_that_nobody_can_tell_apart_are_refused(classes, sentence):
    with pytest.raises(InputError) as caught:
        check_classes(classes, "p")
    assert str(caught.value) == sentence


def test_many_names_are_cut_and_a_few_more_are_not():
    assert shown_names(range(12)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11"
    assert shown_names(range(13)) == "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 3 more"
