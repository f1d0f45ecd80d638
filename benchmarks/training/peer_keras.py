"""The plain Keras way on JAX: stock layers, a model whose `train_step` is overridden, `fit` on NumPy arrays.

Written after Keras' guide "Customizing what happens in fit() with JAX"; nothing of the zoo but the initial weights. A
GAN's several optimizers and averaged weights are variables of the model, since `fit` itself knows of one optimizer.
"""

import resource
import time
from collections.abc import Callable, Iterable
from typing import Any

import jax
import keras
import numpy as np
from cases import BATCH, EMA, IMAGES, PENALTY, Batch, Case, random_images
from keras import KerasTensor, layers, ops
from keras.src.backend.common.dtypes import BIT64_TO_BIT32_DTYPE

Weights = dict[str, list[np.ndarray]]
Networks = dict[str, keras.Model]


class Trainer(keras.Model):
    """The networks of a case, updated in the order of their phases.

    Args:
        phases: (loss function, names of the networks that it trains, how often in a step).
        averaged: names of the networks whose weights are averaged.
    """

    def __init__(self, case: Case, networks: Networks, phases: list[tuple], averaged: tuple[str, ...]) -> None:
        super().__init__()
        self.case, self.networks = case, networks
        self.seed = keras.random.SeedGenerator(0)
        self.phases = []
        for loss, names, repeat in phases:
            weights = [weight for name in names for weight in networks[name].trainable_variables]
            optimizer = keras.optimizers.Adam(*case.adam)
            optimizer.build(weights)
            self.phases.append((loss, weights, optimizer, repeat))
        self.compile(optimizer, jit_compile=True)
        self.slots = [variable for _, _, other, _ in self.phases[:-1] for variable in other.variables]
        self.averaged = [weight for name in averaged for weight in networks[name].trainable_variables]
        self.averages = [keras.Variable(ops.convert_to_numpy(weight), trainable=False) for weight in self.averaged]
        self.steps = keras.Variable(0.0, trainable=False)
        self.built = True

    def train_step(self, state: tuple, data: Any) -> tuple[dict, tuple]:
        groups = (self.trainable_variables, self.non_trainable_variables, self.optimizer.variables)
        variables = [variable for group in groups for variable in group]
        values = dict(zip(map(id, variables), [value for group in state[:3] for value in group], strict=True))

        def stateless(function: Callable, values: dict) -> tuple:
            """What the function returns, and all values after it."""
            with keras.StatelessScope([(variable, values[id(variable)]) for variable in variables]) as scope:
                result = function()
                return result, {id(variable): scope.get_current_value(variable) for variable in variables}

        given, _, _ = keras.utils.unpack_x_y_sample_weight(data)
        batch, values = stateless(lambda: self.prepare(given), values)
        logs = {}
        for number, (loss, weights, optimizer, repeat) in enumerate(self.phases):
            slots = list(optimizer.variables)
            for turn in range(repeat):
                part = {name: array[turn * BATCH : (turn + 1) * BATCH] for name, array in batch.items()}

                def loss_of(new: list, loss: Callable = loss, weights: list = weights, part: Batch = part) -> tuple:
                    trial = values | dict(zip(map(id, weights), new, strict=True))  # noqa: B023
                    return stateless(lambda: loss(self.networks, part), trial)

                old, old_slots = ([values[id(variable)] for variable in group] for group in (weights, slots))
                (logs[f"loss{number}"], values), gradients = jax.value_and_grad(loss_of, has_aux=True)(old)
                new, new_slots = optimizer.stateless_apply(old_slots, gradients, old)
                values |= dict(zip(map(id, [*weights, *slots]), [*new, *new_slots], strict=True))

        _, values = stateless(self.average, values)
        return logs, (*([values[id(variable)] for variable in group] for group in groups), state[3])

    def prepare(self, batch: Batch) -> Batch:
        """The noise of a step, where it is not given."""
        if "normal" in batch:
            return batch
        count = len(batch["images"])
        noise = {"normal": keras.random.normal((count, self.case.latent), seed=self.seed)}
        if self.case.model == "wgan-gp":
            noise["uniform"] = keras.random.uniform((count, 1, 1, 1), seed=self.seed)
        return {**batch, **noise}

    def average(self) -> None:
        """The averaged weights, with the zoo's warm-up."""
        decay = ops.minimum(EMA, (1.0 + self.steps) / (10.0 + self.steps))
        for average, weight in zip(self.averages, self.averaged, strict=True):
            average.assign(decay * average + (1.0 - decay) * weight)
        self.steps.assign_add(1.0)


def grow(x: KerasTensor, case: Case, normalize: bool) -> KerasTensor:
    side, _, channels = case.shape
    base = -(-side >> case.stages)
    filters = [case.width * min(8, 2**i) for i in reversed(range(case.stages))]

    def activate(x: KerasTensor) -> KerasTensor:
        return layers.ReLU()(layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x) if normalize else x)

    x = layers.Dense(base * base * filters[0], use_bias=not normalize)(x)
    x = activate(layers.Reshape((base, base, filters[0]))(x))
    for count in filters[1:]:
        x = activate(layers.Conv2DTranspose(count, 4, strides=2, padding="same", use_bias=not normalize)(x))
    x = layers.Conv2DTranspose(channels, 4, strides=2, padding="same")(x)
    excess = x.shape[1] - side
    return layers.Cropping2D(((excess // 2, excess - excess // 2),) * 2)(x) if excess else x


def shrink(x: KerasTensor, case: Case, normalize: bool, slope: float) -> KerasTensor:
    for i in range(case.stages):
        count, bias = case.width * min(8, 2**i), not normalize or i == 0
        x = layers.Conv2D(count, 4, strides=2, padding="same", use_bias=bias)(x)
        x = layers.BatchNormalization(momentum=0.9, epsilon=1e-5)(x) if not bias else x
        x = layers.LeakyReLU(slope)(x) if slope else layers.ReLU()(x)
    return layers.Flatten()(x)


def gan(case: Case) -> tuple[Networks, list[tuple], tuple[str, ...]]:
    z, images = keras.Input((case.latent,)), keras.Input(case.shape)
    wasserstein = case.model == "wgan-gp"
    judge = "critic" if wasserstein else "discriminator"
    networks = {
        "generator": keras.Model(
            z, layers.Activation("tanh", dtype=keras.config.floatx())(grow(z, case, normalize=True))
        ),
        judge: keras.Model(
            images,
            layers.Dense(1, dtype=keras.config.floatx())(shrink(images, case, normalize=not wasserstein, slope=0.2)),
        ),
    }
    judge_loss, generator_loss = (critic_loss, score_loss) if wasserstein else (discriminator_loss, generator_log_loss)
    return networks, [(judge_loss, (judge,), case.repeat), (generator_loss, ("generator",), 1)], ("generator",)


def vae(case: Case) -> tuple[Networks, list[tuple], tuple[str, ...]]:
    z, images = keras.Input((case.latent,)), keras.Input(case.shape)
    features = layers.Dense(256, activation="relu")(shrink(images, case, normalize=False, slope=0.0))
    posterior = [
        layers.Dense(case.latent, name=name, dtype=keras.config.floatx())(features) for name in ("mean", "log_variance")
    ]
    logits = grow(layers.Dense(256, activation="relu")(z), case, normalize=False)
    networks = {"encoder": keras.Model(images, posterior), "decoder": keras.Model(z, logits)}
    return networks, [(vae_loss, ("encoder", "decoder"), 1)], ("encoder", "decoder")


def discriminator_loss(nets: Networks, batch: Batch) -> KerasTensor:
    fakes = ops.stop_gradient(nets["generator"](batch["normal"], training=True))
    reals, fakes = (nets["discriminator"](images, training=True) for images in (batch["images"], fakes))
    return ops.mean(ops.softplus(-reals)) + ops.mean(ops.softplus(fakes))


def generator_log_loss(nets: Networks, batch: Batch) -> KerasTensor:
    fakes = nets["generator"](batch["normal"], training=True)
    return ops.mean(ops.softplus(-nets["discriminator"](fakes, training=True)))


def critic_loss(nets: Networks, batch: Batch) -> KerasTensor:
    reals, fakes = batch["images"], ops.stop_gradient(nets["generator"](batch["normal"], training=True))
    mixed = fakes + batch["uniform"] * (reals - fakes)
    gradients = jax.grad(lambda x: ops.sum(nets["critic"](x, training=True)))(mixed)
    norms = ops.sqrt(ops.sum(ops.square(gradients), axis=(1, 2, 3)))
    reals, fakes = (ops.mean(nets["critic"](images, training=True)) for images in (reals, fakes))
    return fakes - reals + PENALTY * ops.mean(ops.square(norms - 1.0))


def score_loss(nets: Networks, batch: Batch) -> KerasTensor:
    return -ops.mean(nets["critic"](nets["generator"](batch["normal"], training=True), training=True))


def vae_loss(nets: Networks, batch: Batch) -> KerasTensor:
    mean, log_variance = nets["encoder"](batch["images"], training=True)
    logits = nets["decoder"](mean + ops.exp(0.5 * log_variance) * batch["normal"], training=True)
    targets = 0.5 * (batch["images"] + 1.0)
    reconstruction = ops.sum(ops.softplus(logits) - targets * logits)
    kl = 0.5 * ops.sum(ops.square(mean) + ops.exp(log_variance) - log_variance - 1.0)
    return (reconstruction + kl) / len(targets)


class Clock(keras.callbacks.Callback):
    """Seconds of the epochs, each of which waits for its last step."""

    seconds = 0.0

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        jax.block_until_ready([weight.value for weight in self.model.trainable_variables])
        self.seconds += time.perf_counter() - self._began


class Implementation:
    """See `worker.Implementation`."""

    def __init__(self, case: Case, weights: Weights, name: str, device: str) -> None:
        wide = case.precision == "float64"
        jax.config.update("jax_enable_x64", wide)
        keras.config.set_floatx("float64" if wide else "float32")
        if wide:
            BIT64_TO_BIT32_DTYPE["float64"] = "float64"  # else Keras' own layers compute in float32 on JAX
        keras.config.set_dtype_policy("mixed_bfloat16" if case.precision == "bfloat16" else keras.config.floatx())
        jax.config.update("jax_default_device", jax.devices(device)[0])
        networks, *rest = (vae if case.model == "vae" else gan)(case)
        for network, arrays in weights.items():
            for variable, array in zip(networks[network].trainable_variables, arrays, strict=True):
                variable.assign(array)
        self._case = case
        self._trainer = Trainer(case, networks, *rest)
        self._images: np.ndarray | None = None
        self.versions = {"keras": keras.__version__, "jax": jax.__version__}

    def losses(self, batches: Iterable[Batch]) -> list[list[float]]:
        jax.config.update("jax_default_matmul_precision", "highest")
        rows = []
        for batch in batches:
            logs = self._trainer.train_on_batch({**batch, "images": normalized(batch["images"])}, return_dict=True)
            rows.append([float(loss) for loss in logs.values()])
        return rows

    def run(self, steps: int) -> tuple[int, float]:
        if self._images is None:
            self._images = normalized(random_images(self._case, IMAGES, seed=0))
        count = self._case.images_per_step
        steps_an_epoch = min(steps, IMAGES // count)
        epochs, clock = steps // steps_an_epoch, Clock()
        images = {"images": self._images[: steps_an_epoch * count]}
        self._trainer.fit(images, batch_size=count, epochs=epochs, verbose=0, callbacks=[clock])
        return epochs * steps_an_epoch, clock.seconds

    def peak_mib(self) -> float:
        device = jax.config.jax_default_device
        if device.platform == "gpu":
            return device.memory_stats()["peak_bytes_in_use"] / 2**20
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def normalized(images: np.ndarray) -> np.ndarray:
    return images.astype(keras.config.floatx()) / 127.5 - 1.0
