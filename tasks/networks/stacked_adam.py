"""Adam for networks side by side that did not begin together; imports Keras."""

from typing import Any

import keras


class StackedAdam(keras.optimizers.Adam):  # type: ignore[misc]
    """Adam whose variables are (places, ...), with a count of steps for each place.

    Adam's first steps correct its moments for their start from 0 (Kingma and Ba 2015), by as much
    as a network has had steps, and not by as much as its neighbours have had.
    """

    def __init__(self, places: int, learning_rate: float, **settings: Any) -> None:
        super().__init__(learning_rate, **settings)
        self._steps = self.add_variable((places, 1, 1), name="steps")

    @property
    def iterations(self) -> Any:
        """Steps of each place, (places, 1, 1), since its share of the variables was set to 0."""
        return self._steps

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Update the variables of all places, and count."""
        super().apply(grads, trainable_variables)
        self._steps.assign_add(keras.ops.ones_like(self._steps))
