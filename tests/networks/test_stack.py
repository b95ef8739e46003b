"""Heads that are trained together against the same heads, each alone."""

from functools import partial

import numpy as np
import pytest
from prefect.logging import disable_run_logger

from flows.recipes import RECIPES
from tasks.errors import InputError
from tasks.networks.architecture import (
    ONE_NODE,
    build_head,
    initial_head_weights,
    softmax_head,
)
from tasks.networks.attempts import train_until_healthy
from tasks.networks.head_run import HeadData
from tasks.networks.health import MOST_ATTEMPTS
from tasks.networks.recipe import Training
from tasks.networks.stack import HeadStack, check_stackable
from tasks.networks.stacked_attempts import train_heads_until_healthy
from tasks.networks.targets import targets_for
from tasks.networks.tensors import mapped_tensor
from tasks.storage.checkpoints import Checkpoint
from tasks.storage.store import Store

NOTEBOOK = RECIPES["notebook"].head.model_copy(update={"batch_size": 5, "epochs": 3})
# so little that the first weights decide whether a head is taken for dead
HARDLY = NOTEBOOK.model_copy(update={"learning_rate": 1e-6})
TUNED = Training(
    loss="crossentropy",
    optimizer="adam",
    learning_rate=0.001,
    batch_size=64,
    epochs=3,
    weight_decay=0.01,
    label_smoothing=0.1,
)
FEATURES = np.random.default_rng(0).normal(size=(900, 20)).astype(np.float32)
LABELS = (FEATURES @ np.random.default_rng(1).normal(size=20) > 0).astype(int)


@pytest.fixture(autouse=True)
def _no_prefect_run():
    with disable_run_logger():
        yield


def heads_of(nodes: int, sizes: list[int]) -> list[HeadData]:
    """Heads on so many rows each, from different seeds, two of them from the same."""
    chosen = [
        np.sort(np.random.default_rng(size).permutation(900)[:size]).astype(np.int32)
        for size in sizes
    ]
    one_hot = np.eye(2, dtype=np.float32)[LABELS]
    return [
        HeadData(rows, targets_for(nodes, one_hot[rows]), seed=number // 2)
        for number, rows in enumerate(chosen)
    ]


def train_alone(specification, features, head, training, folder):
    return train_until_healthy(
        specification.name,
        partial(build_head, specification, features.shape[1], training),
        features[head.rows],
        head.targets,
        training,
        head.seed,
        Checkpoint(Store(folder), "head"),
    )


@pytest.mark.parametrize("specification", [softmax_head(2), ONE_NODE], ids=["two-node", "one-node"])
@pytest.mark.parametrize(
    ("training", "scale", "some_die"),
    [(NOTEBOOK, 10, False), (TUNED, 1, False), (HARDLY, 1, True)],
    ids=["notebook", "tuned", "hardly at all"],
)
def test_a_head_among_others_ends_as_it_does_alone(
    tmp_path, specification, training, scale, some_die
):
    features = FEATURES * np.float32(scale)
    heads = heads_of(specification.nodes, [640, 601, 700, 640, 512])
    together = {
        ended.head: ended
        for ended in train_heads_until_healthy(specification, features, heads, training)
    }
    assert sorted(together) == [0, 1, 2, 3, 4]
    for number, head in enumerate(heads):
        alone, attempts = train_alone(
            specification, features, head, training, tmp_path / str(number)
        )
        ended = together[number]
        assert [(a.seed, a.outcome) for a in ended.attempts] == [
            (a.seed, a.outcome) for a in attempts
        ]
        for ours, theirs in zip(ended.attempts, attempts, strict=True):
            assert [e.loss for e in ours.history.epochs] == pytest.approx(
                [e.loss for e in theirs.history.epochs], rel=1e-4
            )
        for ours, theirs in zip(ended.weights, alone.get_weights(), strict=True):
            assert ours.shape == theirs.shape
            np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert any(len(ended.attempts) > 1 for ended in together.values()) == some_die


@pytest.mark.parametrize("training", [NOTEBOOK, TUNED], ids=["notebook", "tuned"])
def test_neighbours_do_not_change_a_bit(training):
    heads = heads_of(2, [640, 601, 700, 640, 512])

    def weights(some):
        ended = list(train_heads_until_healthy(softmax_head(2), FEATURES, some, training))
        return [one.weights for one in sorted(ended, key=lambda one: one.head)]

    together = weights(heads)
    for apart in (weights(heads[:1]), weights(heads[:2]), weights(heads[:4])):
        for ours, theirs in zip(apart, together, strict=False):
            assert [one.tobytes() for one in ours] == [one.tobytes() for one in theirs]


@pytest.mark.parametrize("specification", [softmax_head(3), ONE_NODE], ids=["three", "one"])
def test_a_head_in_a_stack_starts_from_the_weights_that_it_is_built_with(specification):
    built = build_head(specification, 7, NOTEBOOK, seed=5).get_weights()
    initial = initial_head_weights(specification, 7, seed=5)
    stack = HeadStack(specification, 7, NOTEBOOK, 2)
    stack.start(1, initial)
    for weights in (initial, stack.weights(1)):
        assert [one.tobytes() for one in weights] == [one.tobytes() for one in built]
        assert [one.shape for one in weights] == [one.shape for one in built]
    assert not any(one.any() for one in stack.weights(0))


@pytest.mark.parametrize("training", [NOTEBOOK, TUNED], ids=["notebook", "tuned"])
def test_nothing_is_left_in_a_place_of_whoever_had_it_before(training):
    """Adam's moments and its count of steps begin anew, while the neighbour's go on."""
    specification = softmax_head(2)
    rows = np.arange(64, dtype=np.int32).reshape(4, 1, 16).repeat(2, axis=1)
    targets = np.eye(2, dtype=np.float32)[LABELS[rows]]
    batches = FEATURES, rows, targets, np.full(rows.shape, 1 / 16, np.float32)
    stack = HeadStack(specification, 20, training, 2)
    first, second = (initial_head_weights(specification, 20, seed) for seed in (1, 2))
    for place, weights in enumerate((first, second)):
        stack.start(place, weights)
    stack.train(*batches)
    once = stack.weights(0)
    stack.start(1, first)
    stack.train(*batches)
    assert [one.tobytes() for one in stack.weights(1)] == [one.tobytes() for one in once]
    assert stack.weights(0)[0].tobytes() != once[0].tobytes()


def test_a_head_that_diverges_does_nothing_to_its_neighbour():
    specification = softmax_head(2)
    rows = np.arange(32, dtype=np.int32).reshape(2, 1, 16).repeat(2, axis=1)
    targets = np.eye(2, dtype=np.float32)[LABELS[rows]]
    stack = HeadStack(specification, 20, NOTEBOOK, 2)
    weights = initial_head_weights(specification, 20, seed=1)
    found = []
    for factor in (1, np.nan):
        stack.start(0, weights)
        stack.start(1, [one * np.float32(factor) for one in weights])
        stack.train(FEATURES, rows, targets, np.full(rows.shape, 1 / 16, np.float32))
        found.append(stack.weights(0))
    assert [one.tobytes() for one in found[0]] == [one.tobytes() for one in found[1]]
    assert np.isnan(stack.weights(1)[0]).all()


def test_a_head_that_never_learns_has_its_attempts_and_no_weights():
    features = np.zeros((200, 3), np.float32)
    targets = np.eye(2, dtype=np.float32)[np.arange(200) % 2]
    head = HeadData(np.arange(200, dtype=np.int32), targets, seed=0)
    training = NOTEBOOK.model_copy(update={"epochs": 1, "batch_size": 200})
    (ended,) = train_heads_until_healthy(softmax_head(2), features, [head], training)
    assert (len(ended.attempts), ended.weights) == (MOST_ATTEMPTS, None)
    assert {attempt.outcome for attempt in ended.attempts} == {"predicts 1 of 2 classes"}


@pytest.mark.parametrize(
    ("setting", "value"), [("dropout", 0.5), ("warm_up", 0.3), ("averaging", 0.9)]
)
def test_what_would_differ_from_training_alone_is_refused(setting, value):
    training = TUNED.model_copy(update={setting: value})
    with pytest.raises(InputError, match=f"^heads with {setting} {value} cannot be trained"):
        check_stackable(training)


def test_a_mapped_tensor_is_the_file_and_not_a_copy(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6, dtype=np.float32))
    tensor = mapped_tensor(tmp_path / "a.npy", (3, 2))
    assert np.asarray(tensor).tolist() == [[0, 1], [2, 3], [4, 5]]
    with (tmp_path / "a.npy").open("r+b") as file:
        file.seek(-4, 2)
        file.write(np.float32(7).tobytes())
    assert np.asarray(tensor).tolist() == [[0, 1], [2, 3], [4, 7]]
