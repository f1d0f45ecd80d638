"""What a trained model makes of noise and of images: samples by number and seed, reconstructions, translations,
likelihoods."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo_core.errors import UsageError, ZooError
from zoo_core.models import Tensor, Tools
from zoo_core.models.pixels import scale, to_uint8
from zoo_core.models.tasks import Likelihood
from zoo_core.runs import RunFolder
from zoo_core.sampling.inference import compile_inference
from zoo_core.specs import DataSpec, ModelSpec
from zoo_core.training import checkpoint as checkpoints
from zoo_core.training.backends import Arrays
from zoo_core.training.build import Built, build
from zoo_core.training.precision import computing_in
from zoo_core.training.selection import Rule, choose
from zoo_core.training.session import run_options
from zoo_core.training.variables import name_variables

BATCH = 256
PIXELS = 2**20
"""In a batch, at most: of images above 64×64 there are fewer, which fit where the model could be trained."""

TO_LEVELS = "Bring floats in [0, 1] to levels first: (255 * images).round().astype('uint8')"
"""The hint where an array should be uint8."""


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
        self._sample = compile_inference(self._networks, self.sample)
        self._reconstruct = compile_inference(self._networks, self._reconstruct_batch)
        self._encode = compile_inference(self._networks, self._encode_batch)
        self._decode = compile_inference(self._networks, self._decode_batch)
        self._transform = compile_inference(self._networks, self._transform_batch)
        self._inpaint = compile_inference(self._networks, self._inpaint_batch)
        self._log_likelihood = compile_inference(self._networks, self._log_likelihood_batch)

    @classmethod
    def load(cls, path: Path, checkpoint: Rule = "final") -> "Sampler":
        """The averaged networks of a run; they compute in float32, whatever they were trained in.

        Args:
            checkpoint: the "final" one, or the "best" by its score on held-out images.

        Raises:
            UsageError: if it is not a run, or has no best checkpoint.
            ZooError: if it has no checkpoint yet, or a damaged one.
        """
        run = RunFolder.open(path)
        description = run.description()
        registered, options, training = run_options(run, description)
        built = trained = build(registered, options, description.data, description.seed)
        if training.precision == "float64":  # all others keep their weights in float32
            with computing_in("float64"):
                trained = build(registered, options, description.data, description.seed)
        _, file = choose(run, checkpoint)
        arrays = checkpoints.load(file, description.model, "inference", _variables(trained))
        weights = {name: arrays[name].astype(variable.dtype) for name, variable in _variables(built).items()}
        return cls(built, registered.spec, description.data, weights)

    @property
    def full_batch(self) -> int:
        """Images that are made at a time where there are so many."""
        return self._at_once(None, BATCH)

    @property
    def likelihood(self) -> Likelihood | None:
        """What `log_likelihood` gives; None for a model without that task."""
        return self._model.likelihood if "likelihood" in self.spec.tasks else None

    def generate(
        self, count: int, seed: int, labels: np.ndarray | None = None, first: int = 0, batch: int | None = None
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
        self.check("generate")
        if count < 1:
            raise UsageError(f"At least 1 image must be asked for, received {count}.")
        self.check_labels(labels, count)
        batch = self._at_once(batch, count)
        images = []
        for start in range(0, count, batch):
            # The last batch is filled up, so that one compiled shape serves all.
            numbers = np.arange(first + start, first + start + batch, dtype="int32")
            asked = () if labels is None else (np.resize(labels[start : start + batch], batch).astype("int32"),)
            images.append(to_uint8(self._sample(self.weights, seed, numbers, *asked)))
        return np.concatenate(images)[:count]

    def sample(self, tools: Tools, count: int, labels: Tensor | None = None) -> Tensor:
        """What the model makes of the noise of these tools, (count, H, W, C) in [-1, 1]: for `compile`."""
        return self._model.sample(self._networks, count, labels, tools)

    def compile(self, function: Callable[..., Tensor]) -> Callable[..., np.ndarray]:
        """A function of what `sample` makes, compiled, under the weights that there are when it is called.

        Args:
            function: `function(tools, count, *arrays)` → a tensor (count, …).

        Returns:
            `run(seed, arrays, first=0)`: of NumPy arrays (N, …) the results (N, …), batch by batch; `tools` has the
            noise of images number `first` to `first + N` of the seed.
        """
        compiled = compile_inference(self._networks, function)

        def run(seed: int, arrays: Sequence[np.ndarray], first: int = 0) -> np.ndarray:
            return np.concatenate([*self._parts(compiled, seed, arrays, first, None)])

        return run

    def reconstruct(self, images: np.ndarray, batch: int | None = None) -> np.ndarray:
        """Images through encoder and decoder: uint8 (N, H, W, C) → uint8 (N, H, W, C).

        Raises:
            UsageError: for a model without that task, or images of another shape or type.
        """
        self.check("reconstruct")
        return np.concatenate([to_uint8(part) for part in self._batches(self._reconstruct, 0, images, 0, batch)])

    def encode(self, images: np.ndarray, batch: int | None = None) -> np.ndarray:
        """Images to latents: uint8 (N, H, W, C) → float32 (N, ...). Raises as `reconstruct` does."""
        self.check("reconstruct")
        return np.concatenate([*self._batches(self._encode, 0, images, 0, batch)]).astype(np.float32)

    def decode(self, latents: np.ndarray, batch: int | None = None) -> np.ndarray:
        """Latents, of the shape that `encode` gives, to images: float32 (N, ...) → uint8 (N, H, W, C).

        Raises:
            UsageError: for a model without the task `reconstruct`.
        """
        self.check("reconstruct")
        return np.concatenate([to_uint8(part) for part in self._parts(self._decode, 0, (latents,), 0, batch)])

    def transform(self, inputs: np.ndarray, seed: int, first: int = 0, batch: int | None = None) -> np.ndarray:
        """The images that belong to inputs: uint8 (N, H', W', C') → uint8 (N, H, W, C), shapes as in the data set.

        Args:
            inputs: those number `first` to `first + N` of this seed.
            seed: of the noise where the model takes any, the input's own whatever inputs it comes with.
            batch: inputs at a time; changes an image by one uint8 level at most.

        Raises:
            UsageError: for a model without that task, or inputs of another shape or type.
        """
        self.check("translate")
        made = self._batches(self._transform, seed, inputs, first, batch, field="inputs")
        return np.concatenate([to_uint8(part) for part in made])

    def inpaint(
        self, images: np.ndarray, known: np.ndarray, seed: int, first: int = 0, batch: int | None = None
    ) -> np.ndarray:
        """Images completed by the model itself; known pixels stay exactly as they are.

        Args:
            images: uint8 (N, H, W, C), those number `first` to `first + N` of this seed. Unknown pixels are not
                looked at.
            known: bool (N, H, W).
            seed: of the noise, the image's own whatever images it comes with.
            batch: images at a time; changes an unknown pixel by one uint8 level at most.

        Returns:
            uint8 (N, H, W, C).

        Raises:
            UsageError: for a model without that task, or images of another shape or type.
        """
        self.check("inpaint")
        mask = known[..., None].astype("float32")
        made = np.concatenate([*self._batches(self._inpaint, seed, images, first, batch, beside=(mask,))])
        return np.where(known[..., None], images, to_uint8(made))

    def log_likelihood(self, images: np.ndarray, seed: int, first: int = 0, batch: int | None = None) -> np.ndarray:
        """The log-likelihood of each image, or a bound, as `likelihood` tells.

        Args:
            images: uint8 (N, H, W, C), those number `first` to `first + N` of this seed.
            seed: of the noise that an estimate takes, the image's own whatever images it comes with.
            batch: images at a time; changes a value by no more than float32 rounding.

        Returns:
            float64 (N,), nats.

        Raises:
            UsageError: for a model without that task, or images of another shape or type.
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
        self,
        run: Callable[..., Tensor],
        seed: int,
        images: np.ndarray,
        first: int,
        batch: int | None,
        field: str = "images",
        beside: tuple[np.ndarray, ...] = (),
    ) -> Iterator[np.ndarray]:
        """As `_parts`, of images or other fields of the data, whose shape is known."""
        self.check_images(images, field)
        return self._parts(run, seed, (images, *beside), first, batch)

    def _parts(
        self, run: Callable[..., Tensor], seed: int, arrays: Sequence[np.ndarray], first: int, batch: int | None
    ) -> Iterator[np.ndarray]:
        """The results of a compiled function of arrays (N, …), batch by batch, the last one filled up so that it
        compiles once."""
        batch = self._at_once(batch, len(arrays[0]))
        for start in range(0, len(arrays[0]), batch):
            parts = [array[start : start + batch] for array in arrays]
            filled = [np.resize(part, (batch, *part.shape[1:])) for part in parts]
            numbers = np.arange(first + start, first + start + batch, dtype="int32")
            yield run(self.weights, seed, numbers, *filled)[: len(parts[0])]

    def _at_once(self, batch: int | None, count: int) -> int:
        height, width, _ = self.data.image_shape
        return min(count, batch or max(1, min(BATCH, PIXELS // (height * width))))

    def check(self, task: str) -> None:
        """Raises UsageError for a model without this task."""
        if task not in self.spec.tasks:
            by_inputs = task == "generate" and self.spec.translates
            raise UsageError(
                f"Model '{self.spec.name}' does not {task}; its tasks: {', '.join(sorted(self.spec.tasks))}.",
                "It makes images from others: zoo translate RUN IMAGES OUT" if by_inputs else "Others: zoo models list",
            )

    def check_images(self, images: np.ndarray, field: str = "images") -> None:
        """Raises UsageError for what is not uint8 (N, H, W, C), N at least 1, as this field of the data has them."""
        if images.dtype != np.uint8:
            raise UsageError(f"Expected {field} in uint8, received {images.dtype}.", TO_LEVELS)
        shape = self.data.fields[field].shape
        if images.shape[1:] != shape or not len(images):
            raise UsageError(f"Expected {field} of shape {shape}, received {len(images)} of {images.shape[1:]}.")

    def check_labels(self, labels: np.ndarray | None, count: int) -> None:
        """Raises UsageError for labels missing, out of range, not `count`, or given to a model that ignores them."""
        if self.spec.conditional and labels is None:
            raise UsageError(f"Model '{self.spec.name}' is conditional: say which labels to sample.")
        if labels is None:
            return
        if not self.spec.conditional:
            raise UsageError(f"Model '{self.spec.name}' ignores labels, so none can be asked for.")
        if len(labels) != count or labels.min() < 0 or labels.max() >= len(self.data.classes):
            raise UsageError(
                f"Expected {count} labels in [0, {len(self.data.classes)}), received {len(labels)} "
                f"in [{labels.min()}, {labels.max()}]."
            )

    def _reconstruct_batch(self, tools: Tools, count: int, images: Tensor) -> Tensor:
        return self._model.decode(self._networks, self._model.encode(self._networks, scale(images)))

    def _encode_batch(self, tools: Tools, count: int, images: Tensor) -> Tensor:
        return self._model.encode(self._networks, scale(images))

    def _decode_batch(self, tools: Tools, count: int, latents: Tensor) -> Tensor:
        return self._model.decode(self._networks, latents)

    def _transform_batch(self, tools: Tools, count: int, inputs: Tensor) -> Tensor:
        return self._model.transform(self._networks, scale(inputs), tools)

    def _inpaint_batch(self, tools: Tools, count: int, images: Tensor, mask: Tensor) -> Tensor:
        return self._model.inpaint(self._networks, scale(images) * mask, mask, tools)

    def _log_likelihood_batch(self, tools: Tools, count: int, images: Tensor) -> Tensor:
        return self._model.log_likelihood(self._networks, scale(images), tools)


def _variables(built: Built) -> dict[str, keras.Variable]:
    """Those of the networks that are used after training."""
    prefixes = tuple(f"networks/{network}/" for network in built.model.inference)
    return {name: v for name, v in name_variables(built.networks).items() if name.startswith(prefixes)}
