"""What a plugin's own tests look at: a model's networks, and the value of a loss."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo_core.models.base import Loss
from zoo_core.options import resolve
from zoo_core.registry import registry
from zoo_core.specs import DataSpec
from zoo_core.training.backends import backend
from zoo_core.training.build import Built, build
from zoo_core.training.tools import TrainingTools


def build_model(name: str, data: DataSpec, seed: int = 0, **options: Any) -> Built:
    """A model and its networks, as they are before the first step.

    Args:
        name: as for `zoo train`.
        data: the `spec` of a data set, such as `zoo_core.load_dataset("digits").spec`.
        seed: of the initial weights.
        options: of the model; those that are not named keep their defaults.

    Raises:
        UsageError: for an unknown model or option, or data that the model can't take.
        ZooError: where the plugin breaks the contract.
    """
    registered = registry().model(name)
    return build(registered, resolve(registered.load()[1], options, f"model '{name}'"), data, seed)


def loss_of(
    loss: Loss, networks: Mapping[str, keras.Model], batch: Mapping[str, np.ndarray], seed: int = 0
) -> tuple[float, dict[str, float]]:
    """What a loss gives for one batch, and what it logs. The networks stay as they are.

    Args:
        loss: the method of a model that a `Phase` has, such as `built.model.loss`.
        batch: arrays by field, as a loss gets them: images (N, H, W, C) in [-1, 1], labels (N,).
        seed: of the noise that it draws.
    """
    on = backend()
    tools = TrainingTools(on, on.key(seed), ops.zeros((), "int32"))
    tensors = {field: ops.convert_to_tensor(values) for field, values in batch.items()}
    with keras.StatelessScope(), tools.active():
        value, logs = loss(networks, tensors, tools)
    return float(on.to_numpy(value)), {name: float(on.to_numpy(logged)) for name, logged in logs.items()}
