"""What a model can do: one small protocol for each task of `zoo_core.specs.TASKS`."""

from dataclasses import dataclass
from typing import Literal, Protocol

from zoo_core.models.base import Networks, Tensor, Tools


class Generates(Protocol):
    """The task `generate`."""

    def sample(self, nets: Networks, count: int, labels: Tensor | None, tools: Tools) -> Tensor:
        """`count` images (count, H, W, C) in [-1, 1]; labels (count,) int32, None where the model ignores them."""
        ...


class Reconstructs(Protocol):
    """The task `reconstruct`."""

    def encode(self, nets: Networks, images: Tensor) -> Tensor:
        """Images (N, H, W, C) in [-1, 1] → latents (N, ...). Deterministic: the mean of a stochastic encoder."""
        ...

    def decode(self, nets: Networks, latents: Tensor) -> Tensor:
        """Latents (N, ...) → images (N, H, W, C) in [-1, 1]."""
        ...


@dataclass(frozen=True)
class Likelihood:
    """What the numbers are that a model of the task `likelihood` gives.

    Args:
        kind: "exact", or a "lower bound" such as the ELBO.
        pixels: "discrete" for log P of the image as it is stored, one of 256 levels for each pixel and channel: what
            bits/dim are made of. A density over real-valued pixels gives a lower bound of it by uniform dequantization
            (Theis et al. 2016, "A note on the evaluation of generative models", section 3.1). "binarized" for log P of
            the image binarized at random, each intensity in [0, 1] the probability of a 1, as its mean over these
            binarizations (Salakhutdinov & Murray 2008, "On the quantitative analysis of deep belief networks"); never
            to be compared with the other.

    Raises:
        ValueError: for anything else.
    """

    kind: Literal["exact", "lower bound"]
    pixels: Literal["discrete", "binarized"]

    def __post_init__(self) -> None:
        if self.kind not in ("exact", "lower bound"):
            raise ValueError(f"a likelihood must be 'exact' or a 'lower bound', received {self.kind!r}")
        if self.pixels not in ("discrete", "binarized"):
            raise ValueError(f"a likelihood must be of 'discrete' or 'binarized' pixels, received {self.pixels!r}")


class HasLikelihood(Protocol):
    """The task `likelihood`.

    Attributes:
        likelihood: what `log_likelihood` gives; it may depend on the model's options.
    """

    @property
    def likelihood(self) -> Likelihood: ...

    def log_likelihood(self, nets: Networks, images: Tensor, tools: Tools) -> Tensor:
        """Images (N, H, W, C), levels of uint8 brought to [-1, 1] → (N,) nats."""
        ...


class Translates(Protocol):
    """The task `translate`: from an input to the image that belongs to it, be it another domain or a better version.

    Such a model needs data with `inputs`, pairs or the degradation of a source, and is refused any other.
    """

    def transform(self, nets: Networks, inputs: Tensor, tools: Tools) -> Tensor:
        """Inputs (N, H', W', C') in [-1, 1] → images (N, H, W, C) in [-1, 1], the shapes those of the data set."""
        ...


class Inpaints(Protocol):
    """The task `inpaint`: the model itself completes images of which a part is known."""

    def inpaint(self, nets: Networks, images: Tensor, mask: Tensor, tools: Tools) -> Tensor:
        """Whole images (N, H, W, C) in [-1, 1], the known pixels as they were.

        Args:
            images: (N, H, W, C) in [-1, 1], 0 where a pixel is unknown.
            mask: (N, H, W, 1), 1.0 where a pixel is known, else 0.0.
            tools: draws the noise, if any: what is unknown may have many answers.
        """
        ...
