"""One training step over one flat state, the same text on every backend.

The state is a dict of arrays, named by what they are, so that it can be donated to a compiled step, saved and checked
without further structure:

    step                                    () int32
    networks/<network>/trainable/<i>.<name>
    networks/<network>/other/<i>.<name>     batch statistics, singular vectors
    optimizers/<phase>/<i>
    averages/<network>/trainable/<i>.<name> of the networks that are used after training
"""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor
from zoo_core.models.pixels import scale
from zoo_core.training.backends import backend
from zoo_core.training.optimizers import equip
from zoo_core.training.options import TrainingOptions
from zoo_core.training.tools import TrainingTools, part_of
from zoo_core.training.variables import assigned, name_variables

NOISE_OF_STATISTICS = 2**31 - 1  # a stream of noise that no training step uses


class Engine:
    """The state of one model in training, and the step that changes it.

    Args:
        model, networks: as `build` gives them.
        seed: of all noise while training.
        data: arrays that stay on the device; batches are then `indices` into them.
    """

    def __init__(
        self,
        model: GenerativeModel,
        networks: Networks,
        seed: int,
        options: TrainingOptions | None = None,
        data: Mapping[str, np.ndarray] | None = None,
    ) -> None:
        options = options or TrainingOptions.model_validate({})
        self._backend = backend()
        self._model = model
        self._networks = networks
        self._options = options
        self._calls = {name: _InFloat32(network) for name, network in networks.items()}
        self._phases = tuple(equip(phase, options) for phase in model.phases())
        self._seed = seed
        self._variables = name_variables(networks)
        self._owned = {
            phase.name: [
                name for network in phase.trains for name in self._variables if name.startswith(_trainable(network))
            ]
            for phase in self._phases
        }
        variables = dict(self._variables)
        for phase in self._phases:
            phase.optimizer.build([self._variables[name] for name in self._owned[phase.name]])
            variables |= {_slot(phase, i): variable for i, variable in enumerate(phase.optimizer.variables)}
        initial = {"step": np.zeros((), "int32")}
        initial |= {name: self._backend.to_numpy(variable.value) for name, variable in variables.items()}
        initial |= {
            _average(name): initial[name]
            for network in model.inference
            for name in self._variables
            if name.startswith(_trainable(network))
        }
        self._all_variables = variables
        self.state = self._backend.hold(initial, variables)
        self._data = self._backend.hold(data or {}, {})
        self._compiled_step = self._backend.compile_step(self._step)
        self._compiled_steps = self._backend.compile_steps(self._step)
        self._compiled_statistics = self._backend.compile(self._statistics)
        self._ran: set[_Program] = set()

    @property
    def batches_per_step(self) -> int:
        """How many batches the phases of one step see."""
        return max(phase.repeat for phase in self._phases)

    @property
    def step_count(self) -> int:
        return int(self._backend.to_numpy(self.state["step"]))

    def snapshot(self) -> dict[str, np.ndarray]:
        """The state, copied to the host."""
        return {name: self._backend.to_numpy(array) for name, array in self.state.items()}

    def restore(self, arrays: Mapping[str, np.ndarray]) -> None:
        """Take up a state that `snapshot` gave."""
        self.state = self._backend.hold(arrays, self._all_variables)

    def step(self, step: int, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Run every phase once (or as it asks), and return what they log, still on the device.

        Args:
            step: the number of this step, from 0. The state holds it too, but to read it would wait for the device.
            batch: `images` uint8 (N, H, W, C) and, where there are any, `inputs` uint8 (N, H', W', C') and `labels`
                int32 (N,); N is the batch size times `batches_per_step`.
        """
        self.state, logs = self._compiled_step(self.state, self._data, self._split(batch), self._active(step))
        return logs

    def compiles(self, step: int, count: int) -> bool:
        """Whether `steps` of the same arguments would compile something first."""
        return not self._ran.issuperset(self._programs(step, count).values())

    def steps(self, step: int, count: int, batches: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
        """`count` steps from number `step` on, in as few dispatches as there are changes in which phases run.

        Args:
            batches: as for `step`, with an axis of `count` before all others.

        Returns:
            What was logged: scalars, or arrays of one dispatch's steps.
        """
        logs = []
        for first, program in self._programs(step, count).items():
            self._ran.add(program)
            if program.scanned is None or self._compiled_steps is None:
                logs.append(self.step(step + first, {name: array[first] for name, array in batches.items()}))
                continue
            part = {name: array[first : first + program.scanned] for name, array in batches.items()}
            part = self._split(part, axis=1)
            self.state, logged = self._compiled_steps(self.state, self._data, part, program.active)
            logs.append(logged)
        return logs

    def _programs(self, step: int, count: int) -> dict[int, "_Program"]:
        """What `steps` dispatches, by the first step of each, counted from `step`."""
        if self._compiled_steps is None or count == 1:
            return {i: _Program(None, self._active(step + i)) for i in range(count)}
        groups = [list(group) for _, group in itertools.groupby(range(count), lambda i: self._active(step + i))]
        return {group[0]: _Program(len(group), self._active(step + group[0])) for group in groups}

    def _split(self, batch: Mapping[str, np.ndarray], axis: int = 0) -> dict[str, Any]:
        return {name: self._backend.split(array, axis) for name, array in batch.items()}

    def _active(self, step: int) -> tuple[bool, ...]:
        return tuple(step % phase.every == 0 for phase in self._phases)

    def average(self, batches: Iterable[Mapping[str, np.ndarray]]) -> dict[str, Any]:
        """The weights for use after training: averaged, with batch statistics that belong to them.

        Running statistics were gathered from other weights, so they are computed anew over the given batches: with
        momentum k / (k + 1) in pass k, a running average is the plain mean. Without batch normalization no batch is
        asked for.

        Returns:
            `networks/...` of the networks that are used after training, copied: the next step may destroy the state.
        """
        averaged = {name: self.state[_average(name)] for name in self._variables if _average(name) in self.state}
        state = {name: value for name, value in self.state.items() if name in self._variables or name == "step"}
        state |= averaged
        if self._normalizations():
            for k, batch in enumerate(batches):
                state |= self._compiled_statistics(state, self._data, self._split(batch), np.float32(k))
        kept = tuple(f"networks/{network}/" for network in self._model.inference)
        return self._backend.gather({name: state[name] for name in self._variables if name.startswith(kept)})

    def _step(self, state: dict, data: dict, batch: dict, active: tuple[bool, ...]) -> tuple[dict, dict]:
        tools = self._tools(state["step"])
        prepared = self._model.prepare(_scaled(data, batch), tools)
        logs: dict[str, Any] = {}
        for number, (phase, runs) in enumerate(zip(self._phases, active, strict=True)):
            for turn in range(phase.repeat if runs else 0):
                call = 1 + number * self.batches_per_step + turn
                state, phase_logs = self._update(state, phase, self._part(prepared, turn), call)
                logs |= {f"{phase.name}/{name}": value for name, value in phase_logs.items()}
        ema = self._options.ema
        # The average starts as the mean of the first weights (Tensorflow's and timm's warm-up) and slows down to `ema`.
        t = ops.cast(state["step"], keras.config.floatx())
        decay = ops.minimum(ema, (1.0 + t) / (10.0 + t)) if ema else 0.0
        averages = {
            _average(name): decay * state[_average(name)] + (1.0 - decay) * state[name]
            for name in self._variables
            if _average(name) in state
        }
        return state | averages | {"step": state["step"] + 1}, logs

    def _update(self, state: dict, phase: Phase, batch: dict, call: int) -> tuple[dict, dict]:
        """One phase: value and gradient over the weights that it trains, then its optimizer."""
        slots = {_slot(phase, i): state[_slot(phase, i)] for i in range(len(phase.optimizer.variables))}
        parts = self._options.accumulate

        def part(i: Tensor, others: dict) -> tuple[dict, dict, dict]:
            tools = self._tools(state["step"], call, (i, parts))
            return self._gradients(state | others, slots, phase, _rows(batch, i, parts), tools)

        def add(i: Tensor, before: tuple[dict, dict, dict]) -> tuple[dict, dict, dict]:
            others, gradients, logs = part(i, before[0])
            return others, _sum(before[1], gradients), _sum(before[2], logs)

        others, gradients, logs = part(0, {})
        if parts > 1:
            others, *sums = self._backend.repeat(add, parts - 1, (others, gradients, logs))
            gradients, logs = ({name: value / parts for name, value in one.items()} for one in sums)
        weights = {name: state[name] for name in self._owned[phase.name]}
        logs |= self._scheduled(phase, slots)  # before the update, which may change slots in place
        return state | others | self._backend.apply(phase.optimizer, slots, gradients, weights), logs

    def _scheduled(self, phase: Phase, slots: dict) -> dict[str, Tensor]:
        """The learning rate of an update, for the log, where a schedule moves it."""
        with assigned(self._all_variables, slots):
            rate = phase.optimizer.learning_rate
        return {} if isinstance(rate, keras.Variable) else {"learning_rate": rate}

    def _gradients(
        self, state: dict, slots: dict, phase: Phase, batch: Batch, tools: TrainingTools
    ) -> tuple[dict, dict, dict]:
        """What the loss changes beside weights, the gradient of each weight, and what is logged."""

        def loss_of(weights: dict) -> tuple[Tensor, tuple[dict, dict]]:
            loss, logs, others = self._loss(state | weights, phase, batch, tools)
            with assigned(self._all_variables, slots):
                scaled = phase.optimizer.scale_loss(loss)  # against underflow in float16; itself in any other type
            return scaled, (others, logs | {"loss": loss})

        weights = {name: state[name] for name in self._owned[phase.name]}
        (others, logs), gradients = self._backend.value_and_grad(loss_of, weights)
        return others, gradients, logs

    def _loss(self, state: dict, phase: Phase, batch: Batch, tools: TrainingTools) -> tuple[Tensor, dict, dict]:
        with assigned(self._variables, state) as scope, tools.active():
            loss, logs = phase.loss(self._calls, batch, tools)
        others = {
            name: scope.get_current_value(variable)
            for name, variable in self._variables.items()
            if "/other/" in name and scope.get_current_value(variable) is not None
        }
        return loss, logs, others

    def _statistics(self, state: dict, data: dict, batch: dict, k: Tensor) -> dict:
        """The mean batch statistics of the networks that are used after training, batch k (from 0) included."""
        layers = self._normalizations()
        usual = [layer.momentum for layer in layers]
        key = self._backend.fold_in(self._backend.key(self._seed), NOISE_OF_STATISTICS)
        key = self._backend.fold_in(key, ops.cast(k, "int32"))
        tools = TrainingTools(self._backend, key, state["step"])
        batch = self._part(self._model.prepare(_scaled(data, batch), tools), 0)
        batch = _rows(batch, 0, self._options.accumulate)  # whose point is that a whole one does not fit
        statistics: dict[str, Any] = {}
        try:
            for layer in layers:
                layer.momentum = ops.cast(k / (k + 1), layer.variable_dtype)
            for phase in self._phases:
                inference = [network for network in phase.trains if network in self._model.inference]
                _, _, others = self._loss(state, phase, batch, tools) if inference else (None, None, {})
                prefixes = tuple(f"networks/{network}/" for network in inference)
                statistics |= {name: value for name, value in others.items() if name.startswith(prefixes)}
        finally:
            for layer, momentum in zip(layers, usual, strict=True):
                layer.momentum = momentum
        return statistics

    def _tools(self, step: Tensor, call: int = 0, part: tuple[int | Tensor, int] = (0, 1)) -> TrainingTools:
        """Noise of its own for `prepare` (call 0) and for every update."""
        key = self._backend.fold_in(self._backend.fold_in(self._backend.key(self._seed), step), call)
        return TrainingTools(self._backend, key, step, self._options.augment, part)

    def _normalizations(self) -> list[keras.layers.BatchNormalization]:
        networks = [self._networks[name] for name in self._model.inference]
        layers = [layer for network in networks for layer in network._flatten_layers()]
        return [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]

    def _part(self, batch: Batch, turn: int) -> dict[str, Tensor]:
        """The batch of the turn-th repeat of a phase."""
        return _rows(dict(batch), turn, self.batches_per_step)


class _Program(NamedTuple):
    """What is compiled: how many steps at once, None for a single one, and which phases run."""

    scanned: int | None
    active: tuple[bool, ...]


class _InFloat32:
    """A network whose outputs are float32 whatever it computes in: what losses sum over is not rounded to bfloat16."""

    def __init__(self, network: keras.Model) -> None:
        self._network = network

    def __call__(self, *inputs: Any, **settings: Any) -> Any:
        outputs = self._network(*inputs, **settings)
        return keras.tree.map_structure(lambda output: ops.cast(output, self._network.variable_dtype), outputs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._network, name)


def _scaled(data: Batch, batch: Batch) -> dict[str, Tensor]:
    """A batch, taken from the resident data where it is indices into it, its uint8 pixels brought to [-1, 1]."""
    if "indices" in batch:
        batch = {name: ops.take(array, batch["indices"], axis=0) for name, array in data.items()}
    return {name: scale(array) if name in ("images", "inputs") else array for name, array in batch.items()}


def _rows(batch: dict[str, Tensor], part: int | Tensor, parts: int) -> dict[str, Tensor]:
    """The part-th of equal parts of a batch."""
    if parts == 1:
        return batch
    return {name: backend().split(part_of(array, part, parts)) for name, array in batch.items()}


def _sum(ones: dict[str, Tensor], others: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: ones[name] + others[name] for name in ones}


def _trainable(network: str) -> str:
    return f"networks/{network}/trainable/"


def _slot(phase: Phase, i: int) -> str:
    return f"optimizers/{phase.name}/{i:03d}"


def _average(name: str) -> str:
    return name.replace("networks/", "averages/", 1)
