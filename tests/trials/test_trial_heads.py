"""A study's head is the experiment's: the same seed, batches, gate and code, on features of all."""

import numpy as np
import pytest

from flows.recipes import RECIPES
from tasks.networks.architecture import build_head
from tasks.networks.attempts import train_until_healthy
from tasks.networks.losses import targets_for
from tasks.networks.models import weights_sha256
from tasks.networks.recipe import Training
from tasks.schemas.references import Dataset, Split
from tasks.storage.stages import Checkpoint
from tasks.storage.store import Store
from tasks.trials.trial import Group, Trial, _train

NOTEBOOK = RECIPES["notebook"].head.model_copy(update={"batch_size": 5, "epochs": 3})
# so little that the first weights decide whether a head is taken for dead
HARDLY = NOTEBOOK.model_copy(update={"learning_rate": 1e-6})
TUNED = RECIPES["tuned"].base.model_copy(
    update={"epochs": 3, "batch_size": 64, "precision": "float32", "augmentation": None}
)
FEATURES = np.random.default_rng(0).normal(size=(900, 20)).astype(np.float32)
SCORES = FEATURES @ np.random.default_rng(1).normal(size=20)
LABELS = np.digitize(SCORES, np.quantile(SCORES, [1 / 3, 2 / 3])).astype(np.uint8)

HELD_OUT = np.random.default_rng(2).random(900) < 0.1


def trained_in_a_study(store: Store, features: np.ndarray, trials: list[Trial], training: Training):
    split = Split(
        inputs=store.add_array("features", features), labels=store.add_array("labels", LABELS)
    )
    dataset = Dataset(train=split, test=split)
    held_out = store.add_array("held-out", HELD_OUT)
    group = Group(trials=tuple(trials), features=dataset, held_out=held_out, training=training)
    return list(_train(store, group))


def trained_alone(store: Store, features: np.ndarray, trial: Trial, training: Training):
    rows = np.flatnonzero(np.isin(LABELS, trial.classes))
    one_hot = np.eye(2, dtype=np.float32)[np.searchsorted(trial.classes, LABELS[rows])]
    return train_until_healthy(
        build_head(trial.specification, features.shape[1], training),
        features[rows],
        targets_for(trial.specification.nodes, one_hot),
        training,
        trial.seed,
        Checkpoint(store, f"{trial.head}-{trial.classes}-{trial.seed}"),
        trial.classes,
        HELD_OUT[rows],
    )


@pytest.mark.parametrize("head", ["two-node", "one-node"])
@pytest.mark.parametrize(
    ("training", "scale", "some_die"),
    [(NOTEBOOK, 10, False), (TUNED, 1, False), (HARDLY, 1, True)],
    ids=["notebook", "tuned base", "hardly at all"],
)
def test_a_head_of_a_study_has_the_bits_of_the_experiments(
    tmp_path, head, training, scale, some_die
):
    """With dropout, warm-up, averaging and label smoothing, too: `tuned base` has them all."""
    store, features = Store(tmp_path), FEATURES * np.float32(scale)
    trials = [
        Trial(recipe="r", classes=classes, head=head, seed=seed)
        for classes, seed in (((0, 1), 0), ((1, 2), 0), ((0, 1), 1))
    ]
    results = trained_in_a_study(store, features, trials, training)
    assert [result.trial for result in results] == trials
    for result, trial in zip(results, trials, strict=True):
        model, attempts, temperature = trained_alone(store, features, trial, training)
        assert temperature != 1
        assert result.weights_sha256 == weights_sha256(model)
        ours, theirs = (
            [(one.seed, one.outcome, one.history.epochs) for one in found]
            for found in (result.attempts, attempts)
        )
        assert ours == theirs
    assert any(len(result.attempts) > 1 for result in results) or not some_die
