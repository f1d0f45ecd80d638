"""A model small enough to check by hand: dense networks on 8x8 images."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np
import pytest
from keras import layers, ops
from toys import created

from zoo_core.data import Dataset, Split
from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.options import Options
from zoo_core.runs import RunDescription, RunFolder
from zoo_core.specs import DataSpec
from zoo_core.training.backends import backend
from zoo_core.training.build import Built
from zoo_core.training.engine import Engine
from zoo_core.training.feeding import Feed
from zoo_core.training.loop import Loop
from zoo_core.training.options import TrainingOptions
from zoo_core.training.selection import Judge


class Toy(GenerativeModel):
    """Two networks and two phases; the generator has batch normalization unless told otherwise."""

    inference = ("generator",)
    normalize = True
    optimizer = keras.optimizers.Adam
    critic_repeat = 1
    critic_every = 1
    generator_every = 1
    break_at = -1  # the step at which the generator's loss becomes NaN

    def networks(self, data: DataSpec) -> dict[str, keras.Model]:
        z = keras.Input((3,))
        x = layers.Dense(8)(z)
        x = layers.BatchNormalization()(x) if self.normalize else x
        x = layers.Dense(int(np.prod(data.image_shape)), activation="tanh")(x)
        generator = keras.Model(z, layers.Reshape(data.image_shape)(x))
        images = keras.Input(data.image_shape)
        critic = keras.Model(images, layers.Dense(1)(layers.Flatten()(images)))
        return {"generator": generator, "critic": critic}

    def phases(self) -> tuple[Phase, ...]:
        return (
            Phase(
                "critic",
                self.critic_loss,
                ("critic",),
                self.optimizer(1e-3),
                repeat=self.critic_repeat,
                every=self.critic_every,
            ),
            Phase("generator", self.generator_loss, ("generator",), self.optimizer(1e-3), every=self.generator_every),
        )

    def critic_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        images = batch["images"]
        fakes = nets["generator"](tools.normal((images.shape[0], 3)), training=True)
        real, fake = (nets["critic"](tools.augment(x), training=True) for x in (images, fakes))
        return ops.mean(fake) - ops.mean(real), {"mean_image": ops.mean(images)}

    def generator_loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        z = tools.normal((batch["images"].shape[0], 3))
        loss = -ops.mean(nets["critic"](tools.augment(nets["generator"](z, training=True)), training=True))
        return ops.where(tools.step == self.break_at, np.nan, 1.0) * loss, {}

    def sample(self, nets: Networks, count: int, labels: Tensor | None, tools: Tools) -> Tensor:
        return nets["generator"](tools.normal((count, 3)), training=False)


@pytest.fixture
def data() -> Dataset:
    """40, 8 and 8 random 8x8 images of two classes."""
    rng = np.random.default_rng(0)

    def split(count: int) -> Split:
        return Split(rng.integers(0, 256, (count, 8, 8, 1), "uint8"), rng.integers(0, 2, count, dtype="int32"))

    return Dataset("random", {"train": split(40), "validation": split(8), "test": split(8)}, ("a", "b"))


@pytest.fixture
def make_engine(data: Dataset) -> Callable[..., Engine]:
    """`make_engine(seed=0, ema=0.9, critic_repeat=…)`: an engine on the toy model with these attributes.

    `training` are further options, and `resident` arrays stay on the device.
    """

    def make(
        seed: int = 0,
        ema: float = 0.9,
        training: dict | None = None,
        resident: dict | None = None,
        **attributes: Any,
    ) -> Engine:
        built = _build(data, seed, **attributes)
        return Engine(built.model, built.networks, seed, TrainingOptions(ema=ema, **training or {}), resident)

    return make


@pytest.fixture
def make_loop(data: Dataset, tmp_path: Path) -> Callable[..., Loop]:
    """`make_loop("run", steps=…, critic_repeat=…)`: a loop in a run folder of that name, made where it is missing."""

    from zoo_core.data import Feeder

    def make(
        name: str,
        callbacks: tuple = (),
        attributes: dict | None = None,
        judge: Judge | None = None,
        dispatch: int = 1,
        **training: int,
    ) -> Loop:
        options = TrainingOptions(**{"batch_size": 8, "log_every": 2, "checkpoint_every": 4, **training})
        built = _build(data, 0, **attributes or {})
        engine = Engine(built.model, built.networks, 0, options)
        path = tmp_path / name
        if not RunFolder.is_run(path):
            description = RunDescription(
                model="toy",
                distribution="zoo-toy",
                version="1",
                data=data.spec,
                data_dir=None,
                seed=0,
                parameters=built.parameters,
                environment={},
                command="",
                created="",
            )
            created(path, description, "")
        feed = Feed(Feeder(data, "train", options.batch_size * engine.batches_per_step, 0), resident=False)
        every = [phase.every for phase in built.model.phases()]
        return Loop(RunFolder(path), engine, feed, "toy", options, callbacks, judge, dispatch=dispatch, every=every)

    return make


def _build(data: Dataset, seed: int, **attributes: Any) -> Built:
    keras.utils.set_random_seed(seed)
    model = type("Toy", (Toy,), attributes)(Options())
    return Built(model, model.networks(data.spec))


@pytest.fixture
def out_of_memory() -> Exception:
    """What the backend raises where its device's memory is too small."""
    match backend().name:
        case "torch":
            import torch

            return torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        case "tensorflow":
            import tensorflow as tf

            return tf.errors.ResourceExhaustedError(None, None, "OOM when allocating tensor with shape[8192,8192]")
    return jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 123456789 bytes.")
