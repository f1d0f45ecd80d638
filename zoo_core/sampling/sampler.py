"""Images out of a trained model: samples by number and seed, reconstructions, always uint8."""

from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo_core.errors import UsageError
from zoo_core.models import Tensor, Tools
from zoo_core.models.pixels import from_uint8, to_uint8
from zoo_core.runs import RunFolder
from zoo_core.specs import DataSpec, ModelSpec
from zoo_core.training import checkpoint
from zoo_core.training.build import Built, build
from zoo_core.training.jax_backend import Arrays, compile_inference, name_variables
from zoo_core.training.session import run_options

BATCH = 256


class Sampler:
    """Runs the networks that are used after training.

    Args:
        built: the model and its networks, whose own weights are not used.
        weights: of these networks, as `Engine.average` or a checkpoint gives them; may be replaced at any time.
    """

    def __init__(self, built: Built, spec: ModelSpec, data: DataSpec, weights: Arrays) -> None:
        self.spec = spec
        self.data = data
        self.weights = weights
        self._model: Any = built.model  # which task protocols it follows, its spec tells
        self._networks: dict[str, keras.Model] = {name: built.networks[name] for name in built.model.inference}
        self._sample = compile_inference(self._networks, self._sample_batch)
        self._reconstruct = compile_inference(self._networks, self._reconstruct_batch)

    @classmethod
    def load(cls, path: Path) -> "Sampler":
        """The averaged networks of a run's last checkpoint.

        Raises:
            UsageError: if it is not a run.
            ZooError: if it has no checkpoint yet, or a damaged one.
        """
        run = RunFolder.open(path)
        description = run.description()
        registered, options, _ = run_options(run, description)
        built = build(registered, options, description.data, description.seed)
        expected = {
            name: variable
            for name, variable in name_variables(built.networks).items()
            if name.split("/")[1] in built.model.inference
        }
        weights = checkpoint.load(checkpoint.latest(run), description.model, "inference", expected)
        return cls(built, registered.spec, description.data, weights)

    @property
    def conditional(self) -> bool:
        return self.spec.labels == "required"

    @property
    def reconstructs(self) -> bool:
        return "reconstruct" in self.spec.tasks

    def generate(
        self, count: int, seed: int, labels: np.ndarray | None = None, first: int = 0, batch: int = BATCH
    ) -> np.ndarray:
        """Images number `first` to `first + count` of this seed.

        Args:
            labels: int32 (count,), for conditional models.
            batch: images at a time; changes an image by one uint8 level at most.

        Returns:
            uint8 (count, H, W, C).

        Raises:
            UsageError: for no images; for labels missing, out of range, or given to a model that ignores them.
        """
        if "generate" not in self.spec.tasks:
            raise UsageError(f"Model '{self.spec.name}' does not generate; its tasks: {', '.join(self.spec.tasks)}.")
        if count < 1:
            raise UsageError(f"At least 1 image must be asked for, received {count}.")
        self._check(labels, count)
        batch = min(batch, count)
        images = []
        for start in range(0, count, batch):
            # The last batch is filled up, so that one compiled shape serves all.
            numbers = np.arange(first + start, first + start + batch, dtype="int32")
            asked = () if labels is None else (np.resize(labels[start : start + batch], batch).astype("int32"),)
            images.append(to_uint8(np.asarray(self._sample(self.weights, seed, numbers, *asked))))
        return np.concatenate(images)[:count]

    def reconstruct(self, images: np.ndarray, batch: int = BATCH) -> np.ndarray:
        """Images through encoder and decoder: uint8 (N, H, W, C) → uint8 (N, H, W, C).

        Raises:
            UsageError: for a model without that task, or images of another shape.
        """
        if not self.reconstructs:
            raise UsageError(
                f"Model '{self.spec.name}' does not reconstruct; its tasks: {', '.join(sorted(self.spec.tasks))}."
            )
        if images.shape[1:] != self.data.image_shape:
            raise UsageError(f"Expected images of shape {self.data.image_shape}, received {images.shape[1:]}.")
        batch = min(batch, len(images))
        results = []
        for start in range(0, len(images), batch):
            part = images[start : start + batch]
            filled = np.resize(part, (batch, *part.shape[1:]))
            numbers = np.arange(start, start + batch, dtype="int32")
            results.append(to_uint8(np.asarray(self._reconstruct(self.weights, 0, numbers, filled)))[: len(part)])
        return np.concatenate(results)

    def _check(self, labels: np.ndarray | None, count: int) -> None:
        if self.conditional and labels is None:
            raise UsageError(f"Model '{self.spec.name}' is conditional: say which labels to sample.")
        if labels is None:
            return
        if not self.conditional:
            raise UsageError(f"Model '{self.spec.name}' ignores labels, so none can be asked for.")
        if len(labels) != count or labels.min() < 0 or labels.max() >= len(self.data.classes):
            raise UsageError(
                f"Expected {count} labels in [0, {len(self.data.classes)}), received {len(labels)} "
                f"in [{labels.min()}, {labels.max()}]."
            )

    def _sample_batch(self, tools: Tools, count: int, labels: Tensor | None = None) -> Tensor:
        return self._model.sample(self._networks, count, labels, tools)

    def _reconstruct_batch(self, tools: Tools, count: int, images: Tensor) -> Tensor:
        return self._model.decode(self._networks, self._model.encode(self._networks, from_uint8(images)))
