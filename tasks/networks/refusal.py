"""Refusal: how much an image is like a model's own, beside what the model makes of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from tasks.networks.inference import Model, run
from tasks.schemas.references import Array, Floats, Integers

PROTOTYPES = 10  # of a class, or a third of its images: one is not made of one image
LEAST_DEVIATION = 1e-3  # of scores
MOST_IMAGES = 3_000  # of a class, that its prototypes are made of


def build_guard(
    base: Model, learned: Sequence[int], features: Floats, labels: Integers
) -> list[Model]:
    """Networks from features (n, m) to scores (n, 1): the larger, the more like a model's own.

    One score is the cosine similarity to the nearest prototype of each class, ten centres of
    k-means among training features (k, m), labelled (k,). Where the base has `learned` all classes,
    its nodes, another is the largest of their logits (Hendrycks et al., Scaling out-of-distribution
    detection for real-world settings, 2022); in standard deviations from the training mean.
    """
    from keras import layers

    prototypes = _prototypes(features, labels)
    nothing = np.zeros(len(prototypes), np.float32)
    guard = [_largest([layers.UnitNormalization()], prototypes.T, nothing)]
    if learned:
        hidden, output = (layer for layer in base.layers[-1].layers if layer.weights)
        kernel, bias = (weights[..., list(learned)] for weights in output.get_weights())
        below = layers.Dense(hidden.units, "relu", dtype=hidden.dtype_policy)
        below.build((None, features.shape[1]))
        below.set_weights(hidden.get_weights())
        guard.append(_largest([below], kernel, bias))
    for one in guard:
        scores = run(one, features)
        _shift(one, float(scores.mean()), max(float(scores.std()), LEAST_DEVIATION))
    return guard


def score(guard: Sequence[Model], features: Floats) -> Floats:
    """The least score of each of features (n, m), as (n,)."""
    return np.asarray(np.min([run(one, features)[:, 0] for one in guard], axis=0))


def set_threshold(guard: Sequence[Model], threshold: float) -> None:
    """Let scores be margins from now on: below 0 where they were below the threshold."""
    for one in guard:
        _shift(one, threshold, 1.0)


def with_guard(model: Model, guard: Sequence[Model]) -> Model:
    """Images in; probabilities (n, nodes) and margins (n, 1) out."""
    import keras

    images = keras.Input(model.input_shape[1:])
    backbone, head = model.layers
    features = backbone(images)
    scores = [one(features) for one in guard]
    margin = keras.layers.Minimum()(scores) if len(scores) > 1 else scores[0]
    return keras.Model(images, [head(features), margin], name=model.name)


def _prototypes(features: Floats, labels: Integers) -> Floats:
    """Unit vectors (k, m): the centres of each class's directions."""
    from sklearn.cluster import MiniBatchKMeans
    from sklearn.preprocessing import normalize
    from threadpoolctl import threadpool_limits

    units, found = normalize(features), []
    for label in np.unique(labels):
        own = units[np.flatnonzero(labels == label)[:MOST_IMAGES]]
        count = min(PROTOTYPES, -(-len(own) // 3))
        with threadpool_limits(1):  # more of them wait for each other, and for other processes
            fitted = MiniBatchKMeans(count, n_init=1, random_state=0).fit(own)
        found.append(normalize(fitted.cluster_centers_))
    return np.concatenate(found)


def _largest(below: list[Any], kernel: Array, bias: Array) -> Model:
    """The largest output of a Dense layer with these weights, behind the layers below."""
    from keras import Input, Sequential, layers

    size = below[0].input_spec.axes[-1] if below[0].weights else len(kernel)
    linear = layers.Dense(len(bias), dtype="float32")
    above = [linear, layers.Reshape((len(bias), 1)), layers.GlobalMaxPooling1D()]
    network: Model = Sequential([Input((size,)), *below, *above])
    linear.set_weights([kernel, bias])
    return network


def _shift(network: Model, centre: float, deviation: float) -> None:
    """Let a network of `_largest` give (score - centre) / deviation."""
    linear = network.layers[-3]
    kernel, bias = linear.get_weights()
    linear.set_weights([kernel / deviation, (bias - centre) / deviation])
