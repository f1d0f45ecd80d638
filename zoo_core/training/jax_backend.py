"""Everything that knows JAX: randomness, one training step, averaged weights, calling networks after training.

All state is one flat dict of arrays, named by what they are, so that it can be donated to a compiled step, saved and
checked without further structure:

    step                                    () int32
    networks/<network>/trainable/<i>.<name>
    networks/<network>/other/<i>.<name>     batch statistics, seeds of dropout
    optimizers/<phase>/<i>
    averages/<network>/trainable/<i>.<name> of the networks that are used after training
"""

import platform
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import platformdirs

from zoo_core.errors import UsageError
from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.pixels import from_uint8

Arrays = Mapping[str, Any]
"""Arrays by name: a state, or the weights of the networks that are used after training."""

NOISE_OF_STATISTICS = 2**31 - 1  # a stream of noise that no training step uses


class Engine:
    """The state of one model in training, and the step that changes it.

    Args:
        model, networks: as `build` gives them.
        seed: of all noise while training.
        ema: decay of the averaged weights; 0 for none.
    """

    def __init__(self, model: GenerativeModel, networks: Networks, seed: int, ema: float) -> None:
        self._model = model
        self._networks = networks
        self._phases = model.phases()
        self._key = jax.random.key(seed)
        self._ema = ema
        self._variables = name_variables(networks)
        self._owned = {
            phase.name: [
                name for network in phase.trains for name in self._variables if name.startswith(_trainable(network))
            ]
            for phase in self._phases
        }
        self.state: dict[str, Any] = {"step": jnp.zeros((), "int32")}
        self.state |= {name: jnp.copy(variable.value) for name, variable in self._variables.items()}
        for phase in self._phases:
            phase.optimizer.build([self._variables[name] for name in self._owned[phase.name]])
            for i, variable in enumerate(phase.optimizer.variables):
                self.state[f"optimizers/{phase.name}/{i:03d}"] = jnp.copy(variable.value)
        for network in model.inference:
            for name in self._variables:
                if name.startswith(_trainable(network)):
                    self.state[_average(name)] = jnp.copy(self.state[name])
        self._compiled_step = jax.jit(self._step, static_argnames="active", donate_argnums=0)
        self._compiled_statistics = jax.jit(self._statistics)

    @property
    def batches_per_step(self) -> int:
        """How many batches the phases of one step see."""
        return max(phase.repeat for phase in self._phases)

    @property
    def step_count(self) -> int:
        return int(self.state["step"])

    def step(self, step: int, batch: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Run every phase once (or as it asks), and return what they log, still on the device.

        Args:
            step: the number of this step, from 0. The state holds it too, but to read it would wait for the device.
            batch: `images` uint8 (N, H, W, C) and, where there are any, `labels` int32 (N,); N is the batch size
                times `batches_per_step`.
        """
        active = tuple(step % phase.every == 0 for phase in self._phases)
        self.state, logs = self._compiled_step(self.state, batch, active=active)
        return logs

    def average(self, batches: Sequence[Mapping[str, np.ndarray]]) -> dict[str, Any]:
        """The weights for use after training: averaged, with batch statistics that belong to them.

        Running statistics were gathered from other weights, so they are computed anew over the given batches: with
        momentum k / (k + 1) in pass k, a running average is the plain mean.

        Returns:
            `networks/...` of the networks that are used after training.
        """
        averaged = {name: self.state[_average(name)] for name in self._variables if _average(name) in self.state}
        state = self.state | averaged
        if self._normalizations():
            for k, batch in enumerate(batches):
                state = state | self._compiled_statistics(state, batch, k)
        kept = tuple(f"networks/{network}/" for network in self._model.inference)
        return {name: state[name] for name in self._variables if name.startswith(kept)}

    def _step(self, state: dict, batch: Batch, active: tuple[bool, ...]) -> tuple[dict, dict]:
        tools = TrainingTools(jax.random.fold_in(self._key, state["step"]), state["step"])
        batch = self._model.prepare(_normalized(batch), tools)
        logs: dict[str, Any] = {}
        for phase, runs in zip(self._phases, active, strict=True):
            for turn in range(phase.repeat if runs else 0):
                state, phase_logs = self._update(state, phase, self._part(batch, turn), tools)
                logs |= {f"{phase.name}/{name}": value for name, value in phase_logs.items()}
        # The average starts as the mean of the first weights (Tensorflow's and timm's warm-up) and slows down to `ema`.
        decay = jnp.minimum(self._ema, (1.0 + state["step"]) / (10.0 + state["step"])) if self._ema else 0.0
        averages = {
            _average(name): decay * state[_average(name)] + (1.0 - decay) * state[name]
            for name in self._variables
            if _average(name) in state
        }
        return state | averages | {"step": state["step"] + 1}, logs

    def _update(self, state: dict, phase: Phase, batch: Batch, tools: Tools) -> tuple[dict, dict]:
        """One phase: value and gradient over the weights that it trains, then its optimizer."""
        names = self._owned[phase.name]

        def loss_of(weights: dict) -> tuple[Tensor, tuple[dict, dict]]:
            loss, logs, others = self._loss(state | weights, phase, batch, tools)
            return loss, (logs | {"loss": loss}, others)

        (_, (logs, others)), gradients = jax.value_and_grad(loss_of, has_aux=True)({n: state[n] for n in names})
        slots = [f"optimizers/{phase.name}/{i:03d}" for i in range(len(phase.optimizer.variables))]
        weights, optimizer = phase.optimizer.stateless_apply(
            [state[slot] for slot in slots], [gradients[name] for name in names], [state[name] for name in names]
        )
        updated = dict(zip(names, weights, strict=True)) | dict(zip(slots, optimizer, strict=True))
        return state | others | updated, logs

    def _loss(self, state: dict, phase: Phase, batch: Batch, tools: Tools) -> tuple[Tensor, dict, dict]:
        with _weights(self._variables, state) as scope:
            loss, logs = phase.loss(self._networks, batch, tools)
        others = {
            name: scope.get_current_value(variable)
            for name, variable in self._variables.items()
            if "/other/" in name and scope.get_current_value(variable) is not None
        }
        return loss, logs, others

    def _statistics(self, state: dict, batch: Batch, k: Tensor) -> dict:
        """The mean batch statistics of the networks that are used after training, batch k (from 0) included."""
        layers = self._normalizations()
        usual = [layer.momentum for layer in layers]
        key = jax.random.fold_in(jax.random.fold_in(self._key, NOISE_OF_STATISTICS), k)
        tools = TrainingTools(key, state["step"])
        batch = self._part(self._model.prepare(_normalized(batch), tools), 0)
        statistics: dict[str, Any] = {}
        try:
            for layer in layers:
                layer.momentum = k / (k + 1)
            for phase in self._phases:
                inference = [network for network in phase.trains if network in self._model.inference]
                _, _, others = self._loss(state, phase, batch, tools) if inference else (None, None, {})
                prefixes = tuple(f"networks/{network}/" for network in inference)
                statistics |= {name: value for name, value in others.items() if name.startswith(prefixes)}
        finally:
            for layer, momentum in zip(layers, usual, strict=True):
                layer.momentum = momentum
        return statistics

    def _normalizations(self) -> list[keras.layers.BatchNormalization]:
        networks = [self._networks[name] for name in self._model.inference]
        layers = [layer for network in networks for layer in network._flatten_layers()]
        return [layer for layer in layers if isinstance(layer, keras.layers.BatchNormalization)]

    def _part(self, batch: Batch, turn: int) -> Batch:
        """The batch of the turn-th repeat of a phase."""
        size = batch["images"].shape[0] // self.batches_per_step
        return {name: array[turn * size : (turn + 1) * size] for name, array in batch.items()}


class _JaxTools(Tools):
    """What training and sampling have in common."""

    def __init__(self) -> None:
        self._calls = 0

    def grad(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return jax.grad(function)

    def augment(self, images: Tensor) -> Tensor:
        return images

    def _call(self, key: Tensor, index: Tensor | None) -> Tensor:
        """A key of its own for each call and turn of a loop. Calls are counted while tracing, so they are static."""
        key = jax.random.fold_in(key, self._calls)
        self._calls += 1
        return key if index is None else jax.random.fold_in(key, index)


class TrainingTools(_JaxTools):
    """Noise of one training step."""

    def __init__(self, key: Tensor, step: Tensor) -> None:
        super().__init__()
        self._key = key
        self.step = step

    def normal(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        return jax.random.normal(self._call(self._key, index), shape)

    def uniform(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        return jax.random.uniform(self._call(self._key, index), shape)

    def randint(self, shape: tuple[int, ...], high: int, index: Tensor | None = None) -> Tensor:
        return jax.random.randint(self._call(self._key, index), shape, 0, high, "int32")


class SamplingTools(_JaxTools):
    """Noise for images with the given numbers (N,): each image has its own stream, whatever batch it is in."""

    def __init__(self, key: Tensor, numbers: Tensor) -> None:
        super().__init__()
        self._keys = jax.vmap(lambda number: jax.random.fold_in(key, number))(numbers)
        self.step = jnp.zeros((), "int32")

    def normal(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        return self._draw(jax.random.normal, shape, index)

    def uniform(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        return self._draw(jax.random.uniform, shape, index)

    def randint(self, shape: tuple[int, ...], high: int, index: Tensor | None = None) -> Tensor:
        def draw(key: Tensor, shape: tuple[int, ...]) -> Tensor:
            return jax.random.randint(key, shape, 0, high, "int32")

        return self._draw(draw, shape, index)

    def _draw(self, draw: Callable, shape: tuple[int, ...], index: Tensor | None) -> Tensor:
        if shape[0] != len(self._keys):
            raise ValueError(f"axis 0 of noise is the image: expected {len(self._keys)}, received shape {shape}")
        keys = jax.vmap(lambda key: self._call(key, index))(self._keys)
        return jax.vmap(lambda key: draw(key, shape[1:]))(keys)


def compile_inference(networks: Networks, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A compiled `run(weights, seed, numbers, *arrays)` that calls `function(tools, N, *arrays)` under those weights.

    Args:
        function: calls the networks; `tools` draws the noise of the images with these `numbers` (N,) int32.
    """
    variables = name_variables(networks)

    @jax.jit
    def run(weights: Arrays, key: Tensor, numbers: Tensor, *arrays: Tensor) -> Tensor:
        with _weights(variables, weights):
            return function(SamplingTools(key, numbers), len(numbers), *arrays)

    return lambda weights, seed, numbers, *arrays: run(weights, jax.random.key(seed), numbers, *arrays)


def name_variables(networks: Networks) -> dict[str, keras.Variable]:
    """The variables of all networks by the names that states and checkpoints use."""
    named = {}
    for network, module in networks.items():
        for group, variables in (("trainable", module.trainable_variables), ("other", module.non_trainable_variables)):
            for i, variable in enumerate(variables):
                named[f"networks/{network}/{group}/{i:03d}.{variable.name}"] = variable
    return named


def enable_compilation_cache() -> None:
    """Keep what XLA compiles between processes, a folder for each machine; JAX_COMPILATION_CACHE_DIR overrides it."""
    if jax.config.jax_compilation_cache_dir is None:
        folder = platformdirs.user_cache_path("zoo") / "xla" / platform.node()
        jax.config.update("jax_compilation_cache_dir", str(folder))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def select_device(name: str) -> jax.Device:
    """The device to run on.

    Args:
        name: "auto" (a GPU where JAX sees one), "cpu" or "gpu".

    Raises:
        UsageError: where there is no such device.
    """
    if name == "auto":
        return jax.devices()[0]
    try:
        return jax.devices(name)[0]
    except RuntimeError as error:
        raise UsageError(
            f"JAX sees no device '{name}', only: {', '.join(sorted({d.platform for d in jax.devices()}))}.",
            "For an NVIDIA GPU: pip install 'zoo-core[cuda]'.",
        ) from error


use_device = jax.default_device
"""A context manager: arrays and computations inside it are on this device."""


def _weights(variables: Mapping[str, keras.Variable], values: Arrays) -> keras.StatelessScope:
    return keras.StatelessScope([(variable, values[name]) for name, variable in variables.items() if name in values])


def _normalized(batch: Batch) -> dict[str, Tensor]:
    """uint8 images to float32 in [-1, 1], on the device."""
    return {**batch, "images": from_uint8(batch["images"])}


def _trainable(network: str) -> str:
    return f"networks/{network}/trainable/"


def _average(name: str) -> str:
    return name.replace("networks/", "averages/", 1)
