"""The zoo's engine on the backend of the running Keras, fed as its loop feeds it."""

import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import jax
import keras
import numpy as np
from cases import IMAGES, Batch, Case, random_images, save_weights
from keras import ops

from zoo_core.data import Dataset, Feeder, Split
from zoo_core.models import GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.options import resolve
from zoo_core.registry import registry
from zoo_core.training.backends import backend
from zoo_core.training.engine import Engine
from zoo_core.training.feeding import Feed, fits_on_device, usual_dispatch
from zoo_core.training.log import peak_memory_mib
from zoo_core.training.options import TrainingOptions
from zoo_core.training.precision import computing_in

Weights = dict[str, list[np.ndarray]]


def model_of(case: Case) -> GenerativeModel:
    model, options = registry().model(case.model).load()
    rate, beta1, beta2 = case.adam
    chosen = {"width": case.width, "latent": case.latent, "learning_rate": rate, "beta1": beta1, "beta2": beta2}
    return model(resolve(options, {k: v for k, v in chosen.items() if k in options.model_fields}, case.name))


def data_of(case: Case, count: int = IMAGES) -> Dataset:
    splits = {"train": count, "validation": 1, "test": 1}
    return Dataset(case.name, {name: Split(random_images(case, n, seed=0), None) for name, n in splits.items()})


def write_initial_weights(case: Case, path: Path) -> None:
    keras.utils.set_random_seed(0)
    networks = model_of(case).networks(data_of(case).spec)
    weights = {name: network.trainable_variables for name, network in networks.items()}
    save_weights(path, {name: [ops.convert_to_numpy(v) for v in variables] for name, variables in weights.items()})


class GivenNoise(Tools):
    """The tools of a step, but that noise comes with the batch."""

    def __init__(self, batch: Batch, tools: Tools) -> None:
        self._batch, self._tools, self.step = batch, tools, tools.step

    def normal(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        return ops.cast(self._batch["normal"], keras.config.floatx())

    def uniform(self, shape: tuple[int, ...], index: Tensor | None = None) -> Tensor:
        return ops.cast(self._batch["uniform"], keras.config.floatx())

    def grad(self, function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
        return self._tools.grad(function)

    def augment(self, images: Tensor) -> Tensor:
        return images


def with_given_noise(model: GenerativeModel) -> GenerativeModel:
    class Given(type(model)):
        def prepare(self, batch: Batch, tools: Tools) -> Batch:
            return super().prepare(batch, GivenNoise(batch, tools))

        def phases(self) -> tuple[Phase, ...]:
            return tuple(replace(phase, loss=given(phase.loss)) for phase in super().phases())

    def given(loss: Callable) -> Callable:
        return lambda nets, batch, tools: loss(nets, batch, GivenNoise(batch, tools))

    return Given(model.options)


class Implementation:
    """See `worker.Implementation`.

    Args:
        data: to train on, by default a data set in memory.
        resident: hold it on the device; by default as the zoo's sessions do, where it fits.
    """

    def __init__(
        self,
        case: Case,
        weights: Weights,
        name: str,
        device: str,
        data: Dataset | None = None,
        resident: bool | None = None,
    ) -> None:
        self._case, self._weights, self._backend = case, weights, backend()
        self._scope, self.device = ExitStack(), self._backend.select_device(device)
        self._scope.enter_context(computing_in(case.precision))  # until the process ends
        self._scope.enter_context(self._backend.use_device(self.device))
        data = data or data_of(case)
        feeder = Feeder(data, "train", case.images_per_step, seed=0)
        if resident is None:
            resident = fits_on_device(feeder, self._backend, self.device)
        self._spec, self._feed = data.spec, Feed(feeder, resident)
        self._resident = feeder.arrays if resident else None
        self._dispatch = usual_dispatch(self._backend, self.device)
        self._engine: Engine | None = None
        self._step = 0
        self.versions = {name: version(name) for name in ("keras", self._backend.name)}

    def losses(self, batches: Iterable[Batch]) -> list[list[float]]:
        if self._backend.name == "jax":
            jax.config.update("jax_default_matmul_precision", "highest")
        engine = self._build(with_given_noise(model_of(self._case)), None)
        logs = (engine.step(step, batch) for step, batch in enumerate(batches))
        return [[float(self._backend.to_numpy(row[name])) for name in row if name.endswith("/loss")] for row in logs]

    def run(self, steps: int, dispatch: int | None = None) -> tuple[int, float]:
        """`dispatch`: how many in one dispatch, by default as many as the zoo's sessions choose."""
        self._engine = self._engine or self._build(model_of(self._case), self._resident)
        dispatch = dispatch or self._dispatch
        done, began = 0, time.perf_counter()
        while done < steps:
            logs = self._engine.steps(self._step, dispatch, self._feed.batches(self._step, dispatch, ahead=dispatch))
            self._step, done = self._step + dispatch, done + dispatch
        for value in logs[-1].values():
            self._backend.to_numpy(value)  # waits until it is computed
        return done, time.perf_counter() - began

    def _build(self, model: GenerativeModel, data: Batch | None) -> Engine:
        networks: Networks = model.networks(self._spec)
        for network, arrays in self._weights.items():
            for variable, array in zip(networks[network].trainable_variables, arrays, strict=True):
                variable.assign(array)
        return Engine(model, networks, 0, TrainingOptions(precision=self._case.precision), data)

    def peak_mib(self) -> float:
        if self._backend.name == "jax" and self.device.platform == "gpu":
            return self.device.memory_stats()["peak_bytes_in_use"] / 2**20
        if self._backend.name == "torch" and self.device.type == "cuda":
            import torch

            return torch.cuda.max_memory_allocated() / 2**20
        return peak_memory_mib()

    def matrix_product(self, precision: str) -> float:
        """Operations a second of JAX' own product of large square matrices, the best of several."""
        side = 4096 if self.device.platform == "cpu" else 16384
        key = jax.random.key(0)
        one = jax.device_put(jax.random.normal(key, (side, side), precision), self.device)
        product, seconds = jax.jit(jax.numpy.matmul), []
        for _ in range(6):
            began = time.perf_counter()
            product(one, one).block_until_ready()
            seconds.append(time.perf_counter() - began)
        return 2 * side**3 / min(seconds[1:])
