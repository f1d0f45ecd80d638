"""Runs without a training, and models of a few lines, whose images or likelihoods are known in closed form."""

from collections.abc import Collection
from pathlib import Path

import keras

from zoo_core.models import GenerativeModel
from zoo_core.options import Options
from zoo_core.runs import RunDescription, RunFolder
from zoo_core.sampling.sampler import Sampler
from zoo_core.specs import DataSpec, Field, ModelSpec
from zoo_core.training.build import Built


def created(path: Path, description: RunDescription, options_toml: str) -> RunFolder:
    """The folder of a run that was begun, and is not locked any more. Raises as `RunFolder.creating`."""
    with RunFolder.creating(path, description, options_toml) as run:
        return run


class ToyModel(GenerativeModel):
    """Learns nothing. Its network, which each model must have, gives what it is given."""

    inference = ("identity",)

    def networks(self, data):
        pixels = keras.Input(data.image_shape)
        return {"identity": keras.Model(pixels, keras.layers.Identity()(pixels))}

    def phases(self):
        return ()


def toy_sampler(
    kind: type[ToyModel], shape: tuple[int, int, int], tasks: Collection[str], classes: tuple[str, ...] = ()
) -> Sampler:
    """Of a model that is conditional where there are classes, for images (H, W, C)."""
    data = DataSpec(name="toy", fields={"images": Field(shape, "float32")}, classes=classes, splits={}, content_hash="")
    labels = "required" if classes else "ignored"
    spec = ModelSpec(name="toy", summary="", target="a:B", options="a:C", tasks=tasks, labels=labels)
    model = kind(Options())
    return Sampler(Built(model, model.networks(data)), spec, data, weights={})
