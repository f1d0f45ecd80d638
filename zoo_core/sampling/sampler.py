"""What a trained model makes of noise and of images: samples by number and seed, reconstructions, likelihoods."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo_core.errors import UsageError, ZooError
from zoo_core.models import Tensor, Tools
from zoo_core.models.pixels import from_uint8, to_uint8
from zoo_core.models.tasks import Likelihood
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
        self._log_likelihood = compile_inference(self._networks, self._log_likelihood_batch)

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

    @property
    def likelihood(self) -> Likelihood | None:
        """What `log_likelihood` gives; None for a model without that task."""
        return self._model.likelihood if "likelihood" in self.spec.tasks else None

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
        return np.concatenate([to_uint8(part) for part in self._batches(self._reconstruct, 0, images, 0, batch)])

    def log_likelihood(self, images: np.ndarray, seed: int, first: int = 0, batch: int = BATCH) -> np.ndarray:
        """The log-likelihood of each image, or a bound, as `likelihood` tells.

        Args:
            images: uint8 (N, H, W, C), those number `first` to `first + N` of this seed.
            seed: of the noise that an estimate takes, the image's own whatever images it comes with.
            batch: images at a time; changes a value by no more than float32 rounding.

        Returns:
            float64 (N,), nats.

        Raises:
            UsageError: for a model without that task, or images of another shape.
            ZooError: where the model gives anything but a finite number for each image.
        """
        if self.likelihood is None:
            raise UsageError(
                f"Model '{self.spec.name}' has no likelihood; its tasks: {', '.join(sorted(self.spec.tasks))}."
            )
        nats = np.concatenate([*self._batches(self._log_likelihood, seed, images, first, batch)]).astype(np.float64)
        if nats.shape != images.shape[:1] or not np.isfinite(nats).all():
            raise ZooError(
                f"Expected {len(images)} finite log-likelihoods, received shape {nats.shape}, "
                f"{np.isfinite(nats).sum()} of {nats.size} finite.",
                "Infinite or NaN: the model has probably diverged. Another shape: its plugin breaks the contract.",
            )
        return nats

    def _batches(
        self, run: Callable[..., Tensor], seed: int, images: np.ndarray, first: int, batch: int
    ) -> Iterator[np.ndarray]:
        """The results of a compiled function of images, batch by batch, the last one filled up so that it compiles
        once."""
        if images.shape[1:] != self.data.image_shape or not len(images):
            raise UsageError(
                f"Expected images of shape {self.data.image_shape}, received {len(images)} of {images.shape[1:]}."
            )
        batch = min(batch, len(images))
        for start in range(0, len(images), batch):
            part = images[start : start + batch]
            filled = np.resize(part, (batch, *part.shape[1:]))
            numbers = np.arange(first + start, first + start + batch, dtype="int32")
            yield np.asarray(run(self.weights, seed, numbers, filled))[: len(part)]

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

    def _log_likelihood_batch(self, tools: Tools, count: int, images: Tensor) -> Tensor:
        return self._model.log_likelihood(self._networks, from_uint8(images), tools)
