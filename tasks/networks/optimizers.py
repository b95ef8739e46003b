"""The optimizer that a recipe asks for."""

from typing import TYPE_CHECKING, Any

from tasks.networks.recipe import Training

if TYPE_CHECKING:
    import keras


def build_optimizer(training: Training, batches: int) -> "keras.Optimizer":
    """A new optimizer for epochs of `batches` batches.

    With a warm-up the step size follows Loshchilov and Hutter's cosine (SGDR, 2017) to 0.
    """
    import keras

    average = {"use_ema": training.averaging > 0, "ema_momentum": training.averaging or 0.99}
    rate = _learning_rate(training, batches)
    if training.optimizer == "sgd":
        return keras.optimizers.SGD(rate, **average)
    decay = training.weight_decay or None
    return keras.optimizers.Adam(rate, beta_2=training.beta_2, weight_decay=decay, **average)


def _learning_rate(training: Training, batches: int) -> Any:
    import keras

    if not training.warm_up:
        return training.learning_rate
    warm_up = round(training.warm_up * batches)
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=training.epochs * batches - warm_up,
        warmup_target=training.learning_rate,
        warmup_steps=warm_up,
    )
