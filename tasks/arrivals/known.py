"""What a batch is held against: the base data set and the batches before it."""

from functools import cached_property

import numpy as np

from tasks.arrivals.batch import Batch
from tasks.arrivals.decode import Decoded
from tasks.arrivals.drift import Description, check_drift, describe
from tasks.arrivals.validation import check_contrast, check_new, fingerprints, pixel_range
from tasks.schemas.references import Dataset
from tasks.storage.store import Store


class Known:
    """The base data set and all accepted batches, read when the first new batch asks for them."""

    def __init__(self, base: Dataset, batches: tuple[Batch, ...], store: Store) -> None:
        self._base = base
        self._store = store
        self.batches = list(batches)

    def add(self, batch: Batch) -> None:
        """A batch was accepted."""
        self.batches.append(batch)
        self._trained_on.update(fingerprints(self._store.array(batch.images)))

    def is_used(self, sha256: str) -> bool:
        """Whether what was dropped, with this digest, was accepted already."""
        return any(batch.sha256 == sha256 for batch in self.batches)

    def without_used(self, name: str, decoded: Decoded) -> Decoded:
        """What is new of a folder that has grown since it was used under the same name."""
        used = {
            pair
            for batch in self.batches
            if batch.name == name
            for pair in zip(
                fingerprints(self._store.array(batch.images)),
                self._store.array(batch.labels).tolist(),
                strict=True,
            )
        }
        pairs = zip(fingerprints(decoded.images), decoded.labels.tolist(), strict=True)
        rows = [row for row, pair in enumerate(pairs) if pair not in used]
        files = tuple(decoded.files[row] for row in rows)
        return Decoded(decoded.images[rows], decoded.labels[rows], files)

    def check(self, batch: Decoded) -> None:
        """Refuse a batch that leaks, repeats, is nearly empty or has drifted.

        Raises:
            BadBatchError: It does; the reason is in it.
        """
        check_contrast(batch.images, self._typical_range, batch.place)
        check_new(fingerprints(batch.images), self._trained_on, self._test, batch.place)
        check_drift(describe(batch.images, batch.labels), self._description)

    @cached_property
    def _test(self) -> frozenset[bytes]:
        return frozenset(fingerprints(self._store.array(self._base.test.inputs)))

    @cached_property
    def _trained_on(self) -> set[bytes]:
        images = [self._base.train.inputs, *(batch.images for batch in self.batches)]
        return {known for some in images for known in fingerprints(self._store.array(some))}

    @cached_property
    def _typical_range(self) -> float:
        return float(np.median(pixel_range(self._store.array(self._base.train.inputs))))

    @cached_property
    def _description(self) -> Description:
        train = self._base.train
        return describe(self._store.array(train.inputs), self._store.array(train.labels))
