"""Keras models in the store."""

import hashlib
from functools import lru_cache
from pathlib import Path

import numpy as np

from tasks.networks.architecture import POLICIES
from tasks.networks.attempts import Trained
from tasks.networks.inference import Model
from tasks.networks.recipe import Training
from tasks.schemas.references import ModelReference
from tasks.schemas.training import TrainedModel
from tasks.storage.store import Store, reading


def load_model(store: Store, reference: ModelReference) -> Model:
    """A stored model, shared by all who do not change it; DamagedError if it is not as stored."""
    return _shared(store.verified(reference), reference.sha256)


@lru_cache(maxsize=8)  # reading one again, and tracing it, takes longer than running it
def _shared(verified: Path, sha256: str) -> Model:
    return read_model(verified)


def read_model(verified: Path) -> Model:
    """Load a model file whose digest was checked; DamagedError if it carries code or is none."""
    import keras

    with reading(verified):
        return keras.saving.load_model(verified, compile=False, safe_mode=True)


def weights_sha256(model: Model) -> str:
    """Hex SHA-256 over shape, dtype and bytes of each weight, in the model's order."""
    digest = hashlib.sha256()
    for weight in model.get_weights():
        digest.update(f"{weight.shape}{weight.dtype}".encode())
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def store_trained(store: Store, trained: Trained, training: Training) -> TrainedModel:
    """Store a healthy, calibrated model under its name, with the attempts that led to it."""
    return TrainedModel(
        name=trained.model.name,
        model=store_model(store, in_float32(trained.model)),
        attempts=trained.attempts,
        temperature=trained.temperature,
        precision=training.precision,
    )


def in_float32(model: Model) -> Model:
    """The same network with the same weights, computed in float32, as it is from now on."""
    import keras

    architecture = model.to_json()
    mixed = f'"{POLICIES["bfloat16"]}"'
    if mixed not in architecture:
        return model
    plain = keras.models.model_from_json(architecture.replace(mixed, f'"{POLICIES["float32"]}"'))
    plain.set_weights(model.get_weights())
    return plain


def store_model(store: Store, model: Model) -> ModelReference:
    """Store a model under its name."""
    return ModelReference(
        **dict(store.add(f"models/{model.name}.keras", model.save)),
        weights_sha256=weights_sha256(model),
        parameters=model.count_params(),
        trainable_parameters=count_trainable(model),
    )


def count_trainable(model: Model) -> int:
    """How many of a model's parameters its training would change."""
    return sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
