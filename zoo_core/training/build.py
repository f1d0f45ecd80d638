"""From a model's name to its networks, the same for the same seed."""

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import keras

from zoo_core.errors import UsageError, ZooError
from zoo_core.models import GenerativeModel
from zoo_core.options import Options
from zoo_core.registry import RegisteredModel
from zoo_core.specs import DataSpec


class Built(NamedTuple):
    """A model and its networks, their weights freshly initialised."""

    model: GenerativeModel
    networks: dict[str, keras.Model]

    @property
    def parameters(self) -> int:
        """Trainable weights of all networks."""
        weights = [weight for network in self.networks.values() for weight in network.trainable_weights]
        return sum(math.prod(weight.shape) for weight in weights)


def build(registered: RegisteredModel, options: Options, data: DataSpec, seed: int) -> Built:
    """Build the networks for the data.

    Args:
        seed: of the initial weights.

    Raises:
        UsageError: where the model needs labels or inputs and the data has none, or can't take the image shape.
        ZooError: where the plugin breaks the contract.
    """
    spec = registered.spec
    if spec.conditional and not data.labelled:
        raise UsageError(
            f"Model '{spec.name}' needs labels, and '{data.name}' has none, or not for all images.",
            "Put the images into one sub-folder for each class, prepare the set with --labels and --unlabelled drop, "
            "or choose a model that ignores labels (zoo models list).",
        )
    if spec.translates and "inputs" not in data.fields:
        raise UsageError(
            f"Model '{spec.name}' makes images from inputs, and '{data.name}' has none.",
            "Put what degrades the images after the set's name, such as SET~downscale2, SET~noise25, SET~blur2, "
            "SET~jpeg20 or SET~mask30, or prepare pairs: zoo datasets prepare --inputs",
        )
    model = registered.load()[0](options)
    with _initial_weights_from(seed):
        networks = model.networks(data)
    for phase in model.phases():
        if not phase.trains or set(phase.trains) - networks.keys():
            raise ZooError(
                f"Phase '{phase.name}' of '{spec.name}' trains {list(phase.trains)}, "
                f"but the networks are {sorted(networks)}.",
                registered.plugin.advice,
            )
    if set(model.inference) - networks.keys():
        raise ZooError(
            f"'{spec.name}' names {list(model.inference)} for inference, but the networks are {sorted(networks)}.",
            registered.plugin.advice,
        )
    return Built(model, networks)


@contextmanager
def _initial_weights_from(seed: int) -> Iterator[None]:
    """Keras draws the seeds of initializers and of Dropout from Python's `random`, which is put back afterwards."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
