import math

import keras
from keras import ops

from zoo_core.models import Batch, GenerativeModel, Networks, Phase, Tensor, Tools
from zoo_core.models.blocks import check_shape
from zoo_core.models.tasks import Likelihood
from zoo_core.specs import DataSpec
from zoo_pixelrnn.network import RowLSTMNetwork
from zoo_pixelrnn.raster import paint

LEVELS = 256
SMALLEST_SIDE = 8


class PixelRNN(GenerativeModel):
    """The Row LSTM, whose every value is drawn given all values before it, in raster order and from R to G to B.

    van den Oord, Kalchbrenner & Kavukcuoglu, "Pixel Recurrent Neural Networks" (2016),
    https://arxiv.org/abs/1601.06759. Deviations are listed in the README.
    """

    inference = ("pixelrnn",)

    def networks(self, data: DataSpec) -> dict[str, keras.Model]:
        check_shape(data.image_shape, "pixelrnn", SMALLEST_SIDE, "SET@16")
        of = self.options
        outcomes = 1 if self._binarized else LEVELS
        network = RowLSTMNetwork(data.image_shape, of.layers, of.width, of.features, outcomes, name="pixelrnn")
        network(keras.Input(data.image_shape))
        return {"pixelrnn": network}

    def phases(self) -> tuple[Phase, ...]:
        return (Phase("pixelrnn", self.loss, ("pixelrnn",), keras.optimizers.RMSprop(self.options.learning_rate)),)

    def loss(self, nets: Networks, batch: Batch, tools: Tools) -> tuple[Tensor, dict[str, Tensor]]:
        """−log P in nats an image, of a new binarization where images are binarized."""
        images = batch["images"]
        nats = -ops.mean(self._log_probability(nets, images, tools, training=True))
        bits = nats / (math.log(2) * math.prod(images.shape[1:]))
        return nats, {} if self._binarized else {"bits_per_dim": bits}

    def sample(self, nets: Networks, count: int, labels: Tensor | None, tools: Tools) -> Tensor:
        noise = tools.uniform((count, *nets["pixelrnn"].image_shape))
        return paint(nets["pixelrnn"], self._draw, noise, ops.zeros_like(noise), ops.zeros_like(noise[..., :1]) > 0)

    def inpaint(self, nets: Networks, images: Tensor, mask: Tensor, tools: Tools) -> Tensor:
        """Known pixels as they are, the others drawn in raster order, each given all before it.

        Args:
            images: (N, H, W, C) in [-1, 1].
            mask: (N, H, W, 1), 1 where a pixel is known.
        """
        known = mask > 0.5
        drawn = paint(nets["pixelrnn"], self._draw, tools.uniform(images.shape), self._seen(images, tools), known)
        return ops.where(known, images, drawn)

    @property
    def likelihood(self) -> Likelihood:
        return Likelihood("exact", "binarized" if self._binarized else "discrete")

    def log_likelihood(self, nets: Networks, images: Tensor, tools: Tools) -> Tensor:
        """log P, (N,) nats: of the 256 levels, or of one random binarization of each image."""
        return self._log_probability(nets, images, tools, training=False)

    def _log_probability(self, nets: Networks, images: Tensor, tools: Tools, training: bool) -> Tensor:
        """(N,) nats, summed over the values of an image."""
        seen = self._seen(images, tools)
        logits = nets["pixelrnn"](seen, training=training)  # (N, H, W, C, outcomes)
        if self._binarized:
            values = 0.5 * (seen + 1.0) * logits[..., 0] - ops.softplus(logits[..., 0])
        else:
            levels = ops.cast(ops.round(127.5 * (images + 1.0)), "int32")
            values = -ops.sparse_categorical_crossentropy(levels, logits, from_logits=True)
        return ops.sum(values, axis=(1, 2, 3))

    def _seen(self, images: Tensor, tools: Tools) -> Tensor:
        """The images that are modelled: themselves, or -1 and 1 by their intensities (Salakhutdinov & Murray 2008)."""
        if not self._binarized:
            return images
        return _black_or_white(tools.uniform(images.shape) < 0.5 * (images + 1.0))

    def _draw(self, logits: Tensor, noise: Tensor) -> Tensor:
        """By the inverse of the distribution function, which takes one number for each value."""
        if self._binarized:
            return _black_or_white(noise < ops.cast(ops.sigmoid(logits[:, 0]), noise.dtype))
        probabilities = ops.softmax(ops.cast(logits, noise.dtype))
        # P(level <= k), k < 255; torch has no cumsum that gives the same bits each time on a GPU
        below = ops.associative_scan(ops.add, probabilities, axis=-1)[:, :-1]
        level = ops.sum(ops.cast(noise[:, None] >= below, noise.dtype), axis=-1)
        return level / 127.5 - 1.0

    @property
    def _binarized(self) -> bool:
        return self.options.pixels == "binarized"


def _black_or_white(white: Tensor) -> Tensor:
    """True to 1, false to -1."""
    return 2.0 * ops.cast(white, keras.config.floatx()) - 1.0
