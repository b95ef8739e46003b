"""What the training images nearest to an image, in the features of a model, say about it.

Features are those of the champion's backbone, which has not seen what arrives, or pixels before
there is one. Labels are held against probabilities that were not learned from them (Northcutt,
Jiang and Chuang, Confident learning, Journal of Artificial Intelligence Research 70, 2021): those
of nearest neighbours, with a bound that doubts a known share of good labels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.schemas.references import Array, Floats

NEIGHBOURS = 10
SCALE = 0.05  # of cosine distances: a neighbour so much farther away counts 1/e
DOUBTED = 0.005  # of good labels


@dataclass(frozen=True)
class Seen:
    """What neighbours say of n images."""

    similarity: NDArray[np.float64]  # the mean cosine similarity to them, (n,), -1..1
    probabilities: NDArray[np.float64]  # shares of their labels, nearer ones weigh more, (n, k)

    def contradiction(self, labels: Array) -> NDArray[np.float64]:
        """By how much the likeliest other class beats each of labels (n,), -1..1."""
        rows, others = np.arange(len(labels)), self.probabilities.copy()
        others[rows, labels] = -1
        return np.asarray(others.max(axis=1) - self.probabilities[rows, labels])


class Neighbours:
    """Training images as features (n, m), n > 0, with labels (n,) of 0..classes-1."""

    def __init__(self, features: Floats, labels: Array, classes: int) -> None:
        from sklearn.neighbors import NearestNeighbors

        self._labels, self._classes = labels, classes
        count = min(NEIGHBOURS, len(features))
        self._nearest = NearestNeighbors(n_neighbors=count, metric="cosine").fit(features)

    def look(self, features: Floats) -> Seen:
        """What they say of images with features (k, m), k > 0."""
        distances, found = self._nearest.kneighbors(features)
        weights = np.exp((distances[:, :1] - distances) / SCALE)
        shares = np.zeros((len(features), self._classes))
        np.add.at(shares, (np.arange(len(features))[:, None], self._labels[found]), weights)
        return Seen(1 - distances.mean(axis=1), shares / weights.sum(axis=1, keepdims=True))


def doubt_bounds(seen: Seen, labels: Array) -> NDArray[np.float64]:
    """For each class a contradiction that the share `DOUBTED` of good labels (n,), n > 0, exceeds.

    It is that of all classes, and at least 0, as a label that is the likeliest is not in doubt; of
    a class that is recognised less well its own, or 1, which nothing exceeds, of too few images.
    """
    contradiction = seen.contradiction(labels)
    of_all = max(0.0, float(np.quantile(contradiction, 1 - DOUBTED, method="higher")))
    bounds = np.full(seen.probabilities.shape[1], of_all)
    for label in np.unique(labels):
        values = contradiction[labels == label]
        own = float(np.quantile(values, 1 - DOUBTED, method="higher"))
        if own > of_all:
            bounds[label] = own if len(values) * DOUBTED >= 1 else 1
    return bounds
