"""One good model as the text of a plugin; a broken one is this text with a single replacement."""

from collections.abc import Callable
from pathlib import Path

import pytest

from zoo_core.testing import backends

INIT = """
import zoo_core

@zoo_core.hookimpl
def zoo_models():
    yield zoo_core.ModelSpec(
        name="toy",
        summary="A model for tests",
        target="zoo_toy.model:Toy",
        options="zoo_toy.options:Options",
        tasks={"generate"},
        labels="ignored",
    )
"""

OPTIONS = """
from pydantic import Field, field_validator
import zoo_core

class Options(zoo_core.Options):
    width: int = Field(64, ge=1, description="of the hidden layers, at least 1")
    depth: int = Field(2, ge=1, description="not used")
"""

MODEL = """
import math
import os

import keras
import numpy as np
from keras import layers, ops

import zoo_core
from zoo_core.models import GenerativeModel, Phase
from zoo_core.models.layers import Dropout, SpectralNormalization
from zoo_core.models.losses import gradient_penalty


class Toy(GenerativeModel):
    inference = ("generator",)

    def networks(self, data):
        shape, width = data.image_shape, self.options.width
        if shape[0] > 32:
            raise zoo_core.UnsupportedShape("toy takes 32 pixels at most.", "Ask for less: --data SET@32.")
        z = keras.Input((3,))
        x = layers.Dense(width, "tanh")(z)
        x = layers.Dense(math.prod(shape), "tanh")(x)
        generator = keras.Model(z, layers.Reshape(shape)(x))
        images = keras.Input(shape)
        x = layers.Dense(width, "tanh")(layers.Flatten()(images))
        discriminator = keras.Model(images, layers.Dense(1)(x))
        return {"generator": generator, "discriminator": discriminator}

    def phases(self):
        one, other = (keras.optimizers.Adam(0.002, beta_1=0.5) for _ in range(2))
        return (
            Phase("discriminator", self.discriminator_loss, ("discriminator",), one),
            Phase("generator", self.generator_loss, ("generator",), other),
        )

    def prepare(self, batch, tools):
        return {**batch, "z": tools.normal((batch["images"].shape[0], 3))}

    def discriminator_loss(self, nets, batch, tools):
        fakes = ops.stop_gradient(nets["generator"](batch["z"], training=True))
        real = nets["discriminator"](tools.augment(batch["images"]), training=True)
        fake = nets["discriminator"](tools.augment(fakes), training=True)
        loss = ops.mean(ops.softplus(-real)) + ops.mean(ops.softplus(fake))
        return loss, {"real": ops.mean(real)}

    def generator_loss(self, nets, batch, tools):
        fakes = nets["generator"](batch["z"], training=True)
        fake = nets["discriminator"](tools.augment(fakes), training=True)
        return ops.mean(ops.softplus(-fake)), {}

    def sample(self, nets, count, labels, tools):
        return nets["generator"](tools.normal((count, 3)), training=False)
"""

CONDITIONAL = (
    ("init", 'labels="ignored"', 'labels="required"'),
    ("model", "z = keras.Input((3,))", "z = keras.Input((6,))"),
    ("model", '(batch["z"], training', '(self.condition(batch["z"], batch["labels"]), training'),
    ("model", "(tools.normal((count, 3)), training", "(self.condition(tools.normal((count, 3)), labels), training"),
    (
        "model",
        "    def sample(",
        "    def condition(self, z, labels):\n"
        "        return ops.concatenate([z, ops.one_hot(labels, 3)], axis=1)\n\n"
        "    def sample(",
    ),
)
"""What makes the good model a conditional one."""

TRANSLATING = (
    ("init", 'tasks={"generate"}', 'tasks={"translate"}'),
    ("model", "z = keras.Input((3,))", 'z = keras.Input(data.fields["inputs"].shape)'),
    ("model", 'layers.Dense(width, "tanh")(z)', 'layers.Dense(width, "tanh")(layers.Flatten()(z))'),
    ("model", 'tools.normal((batch["images"].shape[0], 3))', 'batch["inputs"]'),
    ("model", "def sample(self, nets, count, labels, tools)", "def transform(self, nets, inputs, tools)"),
    ("model", "tools.normal((count, 3))", "inputs"),
)
"""What makes it one that makes images from inputs."""

INPAINTING = (
    ("init", 'tasks={"generate"}', 'tasks={"generate", "inpaint"}'),
    (
        "model",
        "    def sample(",
        "    def inpaint(self, nets, images, mask, tools):\n"
        '        made = nets["generator"](tools.normal((images.shape[0], 3)), training=False)\n'
        "        return ops.where(mask > 0, images, made)\n\n"
        "    def sample(",
    ),
)
"""What makes it one that completes images too, at random."""

RECONSTRUCTING = (
    ("init", 'tasks={"generate"}', 'tasks={"generate", "reconstruct"}'),
    ("model", 'inference = ("generator",)', 'inference = ("generator", "encoder")'),
    (
        "model",
        'return {"generator"',
        'x = layers.Dense(3)(layers.Flatten()(images))\n        return {"encoder": keras.Model(images, x), "generator"',
    ),
    ("model", '("generator",), other', '("generator", "encoder"), other'),
    (
        "model",
        "return ops.mean(ops.softplus(-fake)), {}",
        'z = nets["encoder"](batch["images"], training=True)\n'
        '        error = ops.mean(ops.square(batch["images"] - nets["generator"](z, training=True)))\n'
        "        return ops.mean(ops.softplus(-fake)) + error, {}",
    ),
    (
        "model",
        "    def sample(",
        "    def encode(self, nets, images):\n"
        '        return nets["encoder"](images, training=False)\n\n'
        "    def decode(self, nets, latents):\n"
        '        return nets["generator"](latents, training=False)\n\n'
        "    def sample(",
    ),
)
"""What makes it one that encodes and decodes images too."""

SCORING = (
    ("init", 'tasks={"generate"}', 'tasks={"generate", "likelihood"}'),
    ("model", "import zoo_core\n", "import zoo_core\nfrom zoo_core.models.tasks import Likelihood\n"),
    (
        "model",
        'inference = ("generator",)',
        'inference = ("generator",)\n    likelihood = Likelihood("exact", "discrete")',
    ),
    (
        "model",
        "    def sample(",
        "    def log_likelihood(self, nets, images, tools):\n"
        "        z = ops.zeros((images.shape[0], 3))\n"
        '        nats = -ops.sum(ops.square(images - nets["generator"](z, training=False)), axis=(1, 2, 3))\n'
        "        return nats\n\n"
        "    def sample(",
    ),
)
"""What makes it one that gives images a likelihood too, in form if not in truth."""

Replacement = tuple[str, str, str]


@pytest.fixture
def install_toy(make_plugin: Callable[..., Path]) -> Callable[..., None]:
    """`install_toy((file, text, other), …, kind=…)`: the plugin `toy`, in its files texts replaced by others."""
    kinds = {
        "plain": (),
        "conditional": CONDITIONAL,
        "translating": TRANSLATING,
        "inpainting": INPAINTING,
        "reconstructing": RECONSTRUCTING,
        "scoring": SCORING,
    }

    def install(*replacements: Replacement, kind: str = "plain") -> None:
        files = {"init": INIT, "options": OPTIONS, "model": MODEL}
        for file, text, other in (*kinds[kind], *replacements):
            assert text in files[file]
            files[file] = files[file].replace(text, other)
        make_plugin("toy", files.pop("init"), modules=files)

    return install


@pytest.fixture
def one_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if only the backend that Keras runs on were installed: another one takes a process and seconds."""
    monkeypatch.setattr(backends, "find_spec", lambda name: None)
