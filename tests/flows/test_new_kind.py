"""Images of a new kind: delivered, set aside, looked at, approved, trained on, and in use."""

from pathlib import Path

import numpy as np
import pytest

from flows.config import RetrainConfig, ReviewConfig
from flows.retrain import retrain, review
from tasks.arrivals.batch import read_notes
from tasks.data.digits import make_digits
from tasks.data.read import find_source, read_source
from tasks.networks.export import PortableModel
from tasks.registry.registry import Registry
from tasks.storage.store import Store

pytestmark = pytest.mark.usefixtures("blank_pictures", "small_guard")

# three classes have one head, two have two
SETTINGS = {"model": "base", "classes": (0, 1, 2), "head_epochs": 1, "folds": 0}


def turned(images: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(np.rot90(images, axes=(1, 2)))


def accuracy(config: RetrainConfig, images: np.ndarray, labels: np.ndarray) -> float:
    """How often the champion's answer is right, whether it refuses or not."""
    registry = Registry(Store.at(config.artifacts), None, "base")
    champion = registry.champion()
    model = PortableModel(registry.model_path(champion))
    probabilities, _ = model.answer(images[..., None])
    return float((probabilities.argmax(axis=1) == labels).mean())


def walk(
    config: RetrainConfig, images: np.ndarray, labels: np.ndarray, count: int
) -> tuple[float, float, float, float]:
    """Accuracy on other turned images and on the published ones, before and after.

    The first `count` of the images, turned, are delivered.
    """
    published = read_source(find_source(config.dataset, 0))
    told = [
        (turned(images[count:]), labels[count:]),
        (published.test_images, published.test_labels),
    ]
    assert "Promoted" in retrain(config).message
    before = [accuracy(config, *some) for some in told]
    Path(config.inbox).mkdir(exist_ok=True)
    path = Path(config.inbox) / "turned.npz"
    np.savez(path, images=turned(images[:count]), labels=labels[:count])
    assert retrain(config).name == "Cached"
    store = Store.at(config.artifacts)
    (note,) = read_notes(store)
    assert (note.batch.name, note.state) == ("turned.npz", "waiting")
    assert note.reason.startswith("its images' similarity drifts from the training images' by")
    assert not path.exists()
    decision = {"action": "approve", "batch": "turned.npz", "why": "the camera was turned"}
    said = review(ReviewConfig(artifacts=config.artifacts, **decision)).message
    assert said.startswith(
        f"{note.batch.title} is accepted now. Batches that wait for a decision: 0; pictures: "
    )
    message = retrain(config).message
    assert message.startswith("version 2: Promoted: errors went from ")
    after = [accuracy(config, *some) for some in told]
    return before[0], after[0], before[1], after[1]


def test_turned_digits_come_into_use_once_they_are_approved(tmp_path):
    (tmp_path / "inbox").mkdir()
    places = {"artifacts": str(tmp_path / "artifacts"), "inbox": str(tmp_path / "inbox")}
    old, new, path = make_digits(seed=0), make_digits(seed=1), tmp_path / "digits.npz"
    rows = np.random.default_rng(0).permutation(len(new.train_images))
    np.savez(
        path,
        x_train=old.train_images[rows[::2]],
        y_train=old.train_labels[rows[::2]],
        x_test=old.test_images,
        y_test=old.test_labels,
    )
    config = RetrainConfig(dataset=str(path), base_epochs=9, **SETTINGS, **places)
    found = walk(config, new.train_images[rows[:4500]], new.train_labels[rows[:4500]], 3000)
    assert found[0] < 0.5
    assert found[1] >= 0.95
    assert found[3] >= found[2] - 0.01


def test_turned_digits_of_mnist_come_into_use_and_the_published_ones_lose_nothing(tmp_path, mnist):
    (tmp_path / "inbox").mkdir()
    images = read_source(find_source(str(mnist), 0))
    half = len(images.test_images) // 2
    path = tmp_path / "mnist.npz"
    np.savez(
        path,
        x_train=images.train_images[::15],
        y_train=images.train_labels[::15],
        x_test=images.test_images[:half:2],
        y_test=images.test_labels[:half:2],
    )
    places = {"artifacts": str(tmp_path / "artifacts"), "inbox": str(tmp_path / "inbox")}
    config = RetrainConfig(dataset=str(path), base_epochs=8, **SETTINGS, **places)
    found = walk(config, images.test_images[half:], images.test_labels[half:], 2000)
    assert found[0] < 0.5
    assert found[1] >= 0.95
    assert found[3] >= found[2] - 0.005
