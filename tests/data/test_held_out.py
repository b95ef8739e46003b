"""What is held out: of each class a share, equal images on one side, by content and seed alone."""

import numpy as np

from tasks.data.held_out import held_out, split

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (60, 4, 4), dtype=np.uint8)
LABELS = np.array([0] * 30 + [1] * 20 + [2] * 10)


def test_of_each_class_the_share_is_held_out():
    found = held_out(IMAGES, LABELS, 0.2, 0)
    assert [int(found[label == LABELS].sum()) for label in range(3)] == [6, 4, 2]


def test_another_seed_holds_out_others_and_the_same_seed_the_same():
    first = held_out(IMAGES, LABELS, 0.2, 0)
    np.testing.assert_array_equal(first, held_out(IMAGES, LABELS, 0.2, 0))
    assert (first != held_out(IMAGES, LABELS, 0.2, 1)).any()


def test_the_order_of_the_images_does_not_matter():
    order = RNG.permutation(60)
    found = held_out(IMAGES[order], LABELS[order], 0.2, 0)
    np.testing.assert_array_equal(found, held_out(IMAGES, LABELS, 0.2, 0)[order])


def test_equal_images_are_on_one_side_whatever_their_class():
    images = np.concatenate([IMAGES, IMAGES[:5], IMAGES[:5]])
    labels = np.concatenate([LABELS, LABELS[:5], [1] * 5])
    for seed in range(20):
        found = held_out(images, labels, 0.3, seed)
        np.testing.assert_array_equal(found[:5], found[60:65])
        np.testing.assert_array_equal(found[:5], found[65:])


def test_of_two_images_one_is_held_out_and_of_one_none():
    labels = np.array([0, 0, 1])
    for share in (0.01, 0.99):
        assert held_out(IMAGES[:3], labels, share, 0)[:2].sum() == 1
        assert not held_out(IMAGES[:3], labels, share, 0)[2]


def test_images_to_train_on_are_moved_to_the_front_in_place():
    images = np.arange(5_000).reshape(5_000, 1)
    mask = np.arange(5_000) % 3 == 0
    train, train_labels, test, test_labels = split(images, np.arange(5_000), mask)
    assert np.shares_memory(train, images)
    assert train[:, 0].tolist() == train_labels.tolist() == [i for i in range(5_000) if i % 3]
    assert test[:, 0].tolist() == test_labels.tolist() == list(range(0, 5_000, 3))


def test_read_only_images_are_copied():
    images = np.arange(4)[:, None]
    images.flags.writeable = False
    train, _, test, _ = split(images, images[:, 0], np.array([True, False, True, False]))
    assert (train[:, 0].tolist(), test[:, 0].tolist()) == ([1, 3], [0, 2])
    assert images[:, 0].tolist() == [0, 1, 2, 3]
