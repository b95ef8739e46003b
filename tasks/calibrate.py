"""Calibrate: how sure a model may be that was trained on all images, by networks that were not."""

import numpy as np

from tasks.networks.inference import run
from tasks.networks.losses import fit_temperature, set_temperature, targets_for, with_temperature
from tasks.networks.models import load_model, read_model, store_model
from tasks.schemas.training import Fold, TrainedModel
from tasks.storage.stages import current_store, get_run_logger, stage


@stage("calibrate")
def calibrate(trained: TrainedModel, folds: tuple[Fold, ...]) -> TrainedModel:
    """The model, as sure as networks like it are of the fold of images that is new to each."""
    store, outputs, targets = current_store(), [], []
    for fold in folds:
        network, rows = load_model(store, fold.trained.model), store.array(fold.held_out)
        inputs, labels = (store.array(one)[rows] for one in (fold.split.inputs, fold.split.labels))
        found = run(network if inputs.ndim > 2 else network.layers[-1], inputs)
        outputs.append(with_temperature(found, 1 / fold.trained.temperature))
        targets.append(targets_for(found.shape[1], labels))
    temperature = fit_temperature(np.concatenate(outputs), np.concatenate(targets))
    model = read_model(store.verified(trained.model))
    set_temperature(model, temperature / trained.temperature)
    get_run_logger().info("the %s model has the temperature %.2f", trained.name, temperature)
    stored = store_model(store, model)
    return trained.model_copy(update={"model": stored, "temperature": temperature})
