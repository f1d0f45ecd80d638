"""From a model's name to its networks, the same for the same seed."""

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from reprlib import repr as shortened
from typing import NamedTuple

import keras

from zoo_core.errors import UsageError, ZooError
from zoo_core.models import GenerativeModel, Phase
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
    require = partial(_require, registered)
    kind, _ = registered.load()
    require(
        isinstance(kind, type) and issubclass(kind, GenerativeModel),
        f"{spec.target} must be a subclass of zoo_core.models.GenerativeModel, received {shortened(kind)}",
    )
    require(not kind.__abstractmethods__, f"{spec.target} lacks {' and '.join(sorted(kind.__abstractmethods__))}")
    model = kind(options)
    with _initial_weights_from(seed):
        networks = model.networks(data)
    require(
        isinstance(networks, dict) and _all([*networks.values()], keras.Model),
        f'`networks` must return a dict, such as {{"decoder": keras.Model(…)}}, received {shortened(networks)}',
    )
    require(*_owners_of_their_own(networks))
    phases = model.phases()
    require(_all(phases, Phase), f"`phases` must return a tuple, such as (Phase(…),), received {shortened(phases)}")
    trained = ((f"`trains` of phase '{phase.name}'", phase.trains) for phase in phases)
    for where, names in (("`inference`", model.inference), *trained):
        require(_all(names, str), f'{where} must be a tuple, such as ("decoder",), received {shortened(names)}')
        require(set(names) <= networks.keys(), f"{where} is {names!r}, but the networks are {sorted(networks)}")
    for phase in phases:
        require(
            isinstance(phase.optimizer, keras.optimizers.Optimizer),
            f"`optimizer` of phase '{phase.name}' must be one of Keras, such as keras.optimizers.Adam(0.001), "
            f"received {shortened(phase.optimizer)}",
        )
    return Built(model, networks)


def _require(registered: RegisteredModel, fine: object, problem: str) -> None:
    """Raises ZooError for what is not fine. Such slips, as a comma that a tuple lacks, would come out as errors of the
    engine."""
    if not fine:
        plugin = registered.plugin
        raise ZooError(f"Model '{registered.spec.name}' of {plugin}: {problem}.", plugin.advice)


def _owners_of_their_own(networks: dict[str, keras.Model]) -> tuple[bool, str]:
    """Whether no variable belongs to two networks, which would have two values, and the problem where one does."""
    owners: dict[int, str] = {}
    for name, network in networks.items():
        for variable in network.variables:
            owner = owners.setdefault(id(variable), name)
            if owner != name:
                return False, (
                    f"'{variable.path}' belongs to the networks '{owner}' and '{name}': let losses call one after the "
                    "other, or give the layers that they share a network of its own"
                )
    return True, ""


def _all(parts: object, kind: type) -> bool:
    """Whether it is a sequence of such parts, at least one."""
    return isinstance(parts, tuple | list) and bool(parts) and all(isinstance(part, kind) for part in parts)


@contextmanager
def _initial_weights_from(seed: int) -> Iterator[None]:
    """Keras draws the seeds of initializers and of Dropout from Python's `random`, which is put back afterwards."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
