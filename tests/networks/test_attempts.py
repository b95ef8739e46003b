"""The health gate, and what happens to a network that does not pass it."""

import numpy as np
import pytest

from flows.recipes import RECIPES
from tasks.errors import DeadModelError
from tasks.networks.architecture import build_head, softmax_head
from tasks.networks.attempts import (
    Notes,
    describe_unfinished,
    read_checkpoint,
    train_until_healthy,
)
from tasks.networks.epochs import derive_seed
from tasks.networks.health import clear_accuracy, diagnose
from tasks.networks.models import weights_sha256
from tasks.networks.recipe import Training
from tasks.networks.training import Compiled, fit
from tasks.schemas.training import EpochResult, History
from tasks.storage.stages import Checkpoint
from tasks.storage.store import Store, write_arrays

TRAINING = Training(
    loss="mean_squared_error", optimizer="sgd", learning_rate=0.5, batch_size=2, epochs=3
)
LABELS = np.array([0, 0, 0, 1, 1, 0, 0, 0, 1, 1])


@pytest.fixture
def checkpoint(tmp_path):
    return Checkpoint(Store(tmp_path), "checkpoints/key")


def test_a_network_that_never_predicts_a_class_is_dead():
    assert diagnose(np.zeros(10, int), LABELS, 2) == "predicts 1 of 2 classes"


def test_a_network_must_beat_the_largest_class_by_a_tenth_of_its_errors():
    assert clear_accuracy(LABELS) == pytest.approx(0.6 + 0.1 * 0.4)
    six_right = np.array([0, 0, 0, 0, 0, 0, 0, 1, 0, 1])
    assert diagnose(six_right, LABELS, 2) == "accuracy 0.600, 0.640 is needed"
    seven_right = np.array([0, 0, 0, 0, 0, 0, 0, 0, 0, 1])
    assert diagnose(seven_right, LABELS, 2) == ""


INPUTS = np.array([[-1], [1]] * 250, np.float32)
TARGETS = np.eye(2, dtype=np.float32)[np.arange(500) % 2]
NOBODY = np.zeros(len(TARGETS), bool)  # is held out


@pytest.fixture
def network_for(monkeypatch):
    """A network that learns from one seed, and is saturated from the beginning from any other."""

    def build(healthy_seed: int | None, seeds: list[int]):
        import keras

        def reseed(model, seed):
            seeds.append(seed)
            kernel = keras.initializers.GlorotUniform(seed)((1, 2))
            bias = np.array([0, 0] if seed == healthy_seed else [1e4, -1e4])
            model.set_weights([kernel, bias])

        monkeypatch.setattr("tasks.networks.training.reseed", reseed)
        layers = [keras.Input((1,)), keras.layers.Dense(2, activation="softmax")]
        return keras.Sequential(layers, name="two-node")

    return build


def test_a_dead_network_is_initialised_again_from_a_derived_seed(checkpoint, network_for):
    seeds = [derive_seed(5, "two-node", attempt) for attempt in range(3)]
    built: list[int] = []
    model = network_for(seeds[2], built)
    _, attempts, _ = train_until_healthy(
        model, INPUTS, TARGETS, TRAINING, 5, checkpoint, (0, 1), NOBODY
    )
    assert built == seeds
    assert [attempt.seed for attempt in attempts] == seeds
    outcomes = [attempt.outcome for attempt in attempts]
    assert outcomes == ["predicts 1 of 2 classes"] * 2 + ["learned"]


def test_a_hopeless_attempt_ends_after_its_first_epoch_of_100_batches(checkpoint, network_for):
    healthy = derive_seed(5, "two-node", 1)
    _, attempts, _ = train_until_healthy(
        network_for(healthy, []),
        INPUTS,
        TARGETS,
        TRAINING,
        5,
        checkpoint,
        (0, 1),
        NOBODY,
    )
    assert [len(attempt.history.epochs) for attempt in attempts] == [1, 3]


def test_without_the_gate_the_first_attempt_is_the_model_though_it_is_dead(checkpoint, network_for):
    training = TRAINING.model_copy(update={"attempts": 1, "gated": False})
    _, (attempt,), _ = train_until_healthy(
        network_for(None, []), INPUTS, TARGETS, training, 5, checkpoint, (0, 1), NOBODY
    )
    assert attempt.seed == derive_seed(5, "two-node", 0)
    assert len(attempt.history.epochs) == 3  # to its end
    assert attempt.outcome == "predicts 1 of 2 classes"


def test_a_small_data_set_gets_all_its_epochs(checkpoint, network_for):
    healthy = derive_seed(5, "two-node", 1)
    _, attempts, _ = train_until_healthy(
        network_for(healthy, []),
        INPUTS[:20],
        TARGETS[:20],
        TRAINING,
        5,
        checkpoint,
        (0, 1),
        NOBODY[:20],
    )
    assert [len(attempt.history.epochs) for attempt in attempts] == [3, 3]


def test_if_all_attempts_die_one_sentence_says_so(checkpoint, network_for):
    training = TRAINING.model_copy(update={"attempts": 20})
    built: list[int] = []
    with pytest.raises(DeadModelError) as caught:
        train_until_healthy(
            network_for(None, built),
            INPUTS,
            TARGETS,
            training,
            5,
            checkpoint,
            (0, 1),
            NOBODY,
        )
    assert str(caught.value) == (
        "two-node did not learn in 20 attempts, the last one predicts 1 of 2 classes; "
        "give another --seed, more epochs, more images or another recipe"
    )
    assert len(set(built)) == 20


def test_a_recipe_says_how_many_attempts_a_network_has():
    attempts = {
        name: (recipe.base.attempts, recipe.head.attempts) for name, recipe in RECIPES.items()
    }
    ours = {"notebook": (100, 100), "tuned": (5, 5), "fast": (5, 5)}
    assert attempts | ours == attempts


@pytest.mark.parametrize("warm_up", [0, 0.3])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_restart_does_not_remember_the_training_before(optimizer, warm_up):
    features = np.random.default_rng(0).normal(size=(30, 8)).astype(np.float32)
    targets = np.eye(2, dtype=np.float32)[np.arange(30) % 2]
    training = TRAINING.model_copy(
        update={
            "optimizer": optimizer,
            "dropout": 0.5,
            "averaging": 0.9,
            "learning_rate": 0.01,
            "warm_up": warm_up,
        }
    )

    def build(seed):
        return build_head(softmax_head(2), 8, training, seed)

    restarted = Compiled(build(0), features, targets, training)

    def digest(seed, images, compiled=None):
        compiled = compiled or restarted.start(seed, images)
        fit(compiled, features[:images], targets[:images], seed)
        return weights_sha256(compiled.model)

    first = digest(1, 30)
    fewer = digest(2, 7)
    assert fewer != first
    assert digest(1, 30) == first
    never_restarted = Compiled(build(1), features, targets, training)
    assert digest(1, 30, never_restarted) == first
    never_restarted = Compiled(build(2), features[:7], targets[:7], training)
    assert digest(2, 7, never_restarted) == fewer


class Killed(BaseException):
    pass


@pytest.mark.parametrize("attempt", [0, 1])
@pytest.mark.parametrize("epoch", [1, 2, 3])
def test_a_killed_training_ends_with_the_same_bits(
    checkpoint, tmp_path, monkeypatch, network_for, attempt, epoch
):
    healthy = derive_seed(5, "two-node", 1)

    def train(where):
        return train_until_healthy(
            network_for(healthy, []),
            INPUTS[:20],
            TARGETS[:20],
            TRAINING,
            5,
            where,
            (0, 1),
            NOBODY[:20],
        )

    unkilled = train(Checkpoint(Store(tmp_path), "another"))

    def write_and_die(store, name, arrays, text):
        write_arrays(store, name, arrays, text)
        notes = Notes.model_validate_json(text)
        if (len(notes.dead), len(notes.history.epochs)) == (attempt, epoch):
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("tasks.networks.attempts.write_arrays", write_and_die)
        with pytest.raises(Killed):
            train(checkpoint)
    told = describe_unfinished(checkpoint.store)
    where = f"from epoch {epoch + 1} of 3" if epoch < 3 else "after its last epoch"
    assert told == f"the next run resumes two-node {where}"
    resumed = train(checkpoint)
    assert weights_sha256(resumed[0]) == weights_sha256(unkilled[0])
    losses = [[e.loss for e in a.history.epochs] for a in resumed[1]]
    assert losses == [[e.loss for e in a.history.epochs] for a in unkilled[1]]


def test_a_damaged_checkpoint_is_none(checkpoint):
    notes = Notes(
        name="base",
        epochs=3,
        dead=(),
        history=History(epochs=(EpochResult(loss=1, accuracy=0.5),), seconds=1),
    )
    write_arrays(*checkpoint, [np.arange(3), np.ones((2, 2))], notes.model_dump_json())
    arrays, found = read_checkpoint(checkpoint)
    assert [array.tolist() for array in arrays] == [[0, 1, 2], [[1, 1], [1, 1]]]
    assert found == notes
    path = checkpoint.store.root / checkpoint.name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert read_checkpoint(checkpoint) is None
