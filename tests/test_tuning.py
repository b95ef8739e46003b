"""What the benchmark of the recipe's tuning varies, and what it never reads."""

import numpy as np

from benchmarks.tuning import read_training_images, variations
from flows.recipes import RECIPES
from tasks.data.idx import IDX_NAMES


def test_each_variation_differs_from_the_recipe_in_one_setting():
    (first, recipe), *others = variations(RECIPES["tuned"])
    assert (first, recipe) == ("the recipe", RECIPES["tuned"])
    base = recipe.base.model_dump()
    assert len({name for name, _ in others}) == len(others) == 30
    for _, other in others:
        assert (other.scaling, other.head) == (recipe.scaling, recipe.head)
        changed = {key for key, value in other.base.model_dump().items() if value != base[key]}
        assert len(changed) == 1
        limits = other.base.augmentation
        if changed == {"augmentation"} and limits:
            assert sum(value != base["augmentation"][key] for key, value in limits) == 1


def test_no_test_image_is_read(tmp_path):
    """The files of test images are no IDX files, which reading them would find out."""
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (50_003, 1, 1), dtype=np.uint8), np.arange(50_003) % 10
    for name, array, sizes in (
        (IDX_NAMES[0], images, images.shape),
        (IDX_NAMES[1], labels.astype(np.uint8), labels.shape),
    ):
        header = np.array([2048 + len(sizes), *sizes], ">u4").tobytes()
        (tmp_path / name).write_bytes(header + array.tobytes())
    for name in IDX_NAMES[2:]:
        (tmp_path / name).write_bytes(b"")
    (train, of_train), (others, of_others) = read_training_images(tmp_path, most=40)
    assert (train.shape, others.shape) == ((40, 1, 1, 1), (3, 1, 1, 1))
    assert of_train.tolist() == [*range(10)] * 4
    assert of_others.tolist() == [0, 1, 2]
