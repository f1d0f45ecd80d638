"""Every loss of a model computed once, and watched: what it gives, which networks see what, which weights it writes."""

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from functools import partial, reduce
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from zoo_core.models import Batch, Phase, Tensor
from zoo_core.models.pixels import scale
from zoo_core.testing.results import CheckFailed
from zoo_core.training.backends import backend
from zoo_core.training.build import Built
from zoo_core.training.tools import TrainingTools
from zoo_core.training.variables import name_variables

LOSS = "`loss(nets, batch, tools)` to return a scalar and a dict of scalars by name"


_ByPhase = dict[str, dict[str, Tensor]]


class Call(NamedTuple):
    """A network that was called in a phase, and one of the tensors that it was given."""

    phase: str
    network: str
    inputs: np.ndarray


class Seen(NamedTuple):
    """What one trial showed.

    Attributes:
        values: by phase and name, what its loss gave and logged.
        gradients: by phase, for each network that it and another one train, the largest absolute value of its loss's
            gradient. That of others, training shows.
        calls: in their order, of a call with several inputs one for each.
        writes: by phase, the names of the variables that it wrote to.
    """

    values: dict[str, dict[str, float]]
    gradients: dict[str, dict[str, float]]
    calls: list[list[Call]]
    writes: dict[str, list[str]]


class Trial:
    """Runs the losses of all phases on the same batch with the same noise.

    Args:
        built: whose own weights are used, and stay as they are.

    Attributes:
        built, phases: what it runs.
    """

    def __init__(self, built: Built) -> None:
        self.built = built
        self.phases = built.model.phases()
        self._writes: dict[str, list[str]] = {}
        self._calls: list[tuple[str, str, int]] = []
        self._compiled = backend().compile(self._run)

    def __call__(self, batch: Mapping[str, np.ndarray], offset: float = 0.0) -> Seen:
        """Compute the losses of a batch.

        Args:
            offset: is added to whatever passes `tools.augment`, so that it can be told from what does not.

        Raises:
            CheckFailed: where a loss does not return what it should.
        """
        on = backend()
        values, gradients, inputs = self._compiled(dict(batch), np.float32(offset))
        arrays = iter([on.to_numpy(tensor) for tensor in inputs])
        calls = [[Call(phase, net, next(arrays)) for _ in range(count)] for phase, net, count in self._calls]
        return Seen(_numbers(values), _numbers(gradients), calls, self._writes)

    def _run(self, batch: Mapping[str, Tensor], offset: Tensor) -> tuple[_ByPhase, _ByPhase, list[Tensor]]:
        self._calls.clear()
        inputs: list[Tensor] = []
        values: _ByPhase = {}
        gradients: _ByPhase = {}
        tools = _Tools(offset)
        batch = {name: scale(array) if name in ("images", "inputs") else array for name, array in batch.items()}
        prepared = self.built.model.prepare(batch, tools)
        variables = name_variables(self.built.networks)
        trained = Counter(net for phase in self.phases for net in phase.trains)
        for phase in self.phases:
            if phase.name in values:
                raise CheckFailed("a name of its own for every phase", f"'{phase.name}' twice", "rename one of them")
            common = {net: f"networks/{net}/trainable/" for net in phase.trains if trained[net] > 1}
            weights = {name: v.value for name, v in variables.items() if name.startswith(tuple(common.values()))}
            look = partial(self._look, phase, prepared, tools, variables)
            (values[phase.name], given), slopes = (
                backend().value_and_grad(look, weights) if weights else (look(weights)[1], {})
            )
            inputs += given
            gradients[phase.name] = {
                net: reduce(ops.maximum, [ops.max(ops.abs(g)) for n, g in slopes.items() if n.startswith(prefix)], 0.0)
                for net, prefix in common.items()
            }
        return values, gradients, inputs

    def _look(
        self,
        phase: Phase,
        prepared: Batch,
        tools: "_Tools",
        variables: Mapping[str, keras.Variable],
        weights: Mapping[str, Tensor],
    ) -> tuple[Tensor, tuple[dict[str, Tensor], list[Tensor]]]:
        """A phase's loss; what it gave and logged, and all that networks were given."""
        inputs: list[Tensor] = []

        def note(network: str, given: Any) -> None:
            tensors = keras.tree.flatten(given)
            if tools.noting and tensors:
                self._calls.append((phase.name, network, len(tensors)))
                inputs.extend(tensors)

        nets: Any = {name: _Network(name, network, note) for name, network in self.built.networks.items()}
        own = [(variables[name], value) for name, value in weights.items()]
        with keras.StatelessScope(own) as scope, tools.active():
            returned = phase.loss(nets, prepared, tools)
        self._writes[phase.name] = [
            name
            for name, variable in variables.items()
            if name not in weights and scope.get_current_value(variable) is not None
        ]
        values = _scalars(phase, returned)
        return values["loss"], (values, inputs)


class _Network:
    """A network whose calls are noted."""

    def __init__(self, name: str, network: keras.Model, note: Callable[[str, Any], None]) -> None:
        self._name = name
        self._network = network
        self._note = note

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        self._note(self._name, inputs)
        return self._network(*inputs, **settings)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)


class _Tools(TrainingTools):
    """Tools that mark what passes `augment`.

    Attributes:
        noting: False within gradients, whose tensors can't be looked at from outside; what is called there is called
            once before it.
    """

    def __init__(self, offset: Tensor) -> None:
        super().__init__(backend(), backend().key(0), ops.zeros((), "int32"))
        self.noting = True
        self._offset = offset

    def augment(self, images: Tensor) -> Tensor:
        return keras.tree.map_structure(lambda each: each + self._offset, images)

    def grad(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        inner = super().grad(function)

        def gradient(x: Tensor) -> Tensor:
            if self.noting:
                function(x)
            with self._unnoted():
                return inner(x)

        return gradient

    @contextmanager
    def _unnoted(self) -> Any:
        before, self.noting = self.noting, False
        try:
            yield
        finally:
            self.noting = before


def _numbers(values: _ByPhase) -> dict[str, dict[str, float]]:
    on = backend()
    return {phase: {name: float(on.to_numpy(each)) for name, each in found.items()} for phase, found in values.items()}


def _scalars(phase: Phase, returned: Any) -> dict[str, Tensor]:
    """What a loss returned, the loss itself among what it logs.

    Raises:
        CheckFailed: where it is anything but scalars with names.
    """
    where = f"in phase '{phase.name}'"
    if not (isinstance(returned, tuple) and len(returned) == 2 and isinstance(returned[1], Mapping)):
        raise CheckFailed(LOSS, f"{_kind(returned)} {where}", "return `loss, {}` where there is nothing to log")
    loss, logs = returned
    for name, value in {"loss": loss, **logs}.items():
        if not isinstance(name, str) or not name:
            raise CheckFailed(LOSS, f"the name {name!r} {where}", "log every value under a name")
        if tuple(getattr(value, "shape", ())) != ():
            seen = f"'{name}' of shape {tuple(value.shape)} {where}"
            raise CheckFailed(LOSS, seen, "take the mean over the batch, with `ops.mean`")
    return {**logs, "loss": loss}


def _kind(value: Any) -> str:
    if isinstance(value, tuple):
        return f"a tuple of {', '.join(type(part).__name__ for part in value)}"
    return f"a {type(value).__name__}"
