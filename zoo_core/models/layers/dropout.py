"""Dropout whose masks come from the engine."""

from typing import Any

import keras
from keras import ops

from zoo_core.models.base import Tensor, tools_in_use


class Dropout(keras.layers.Layer):
    """Inverted dropout: each value is zero with probability `rate`, and divided by 1 - rate otherwise.

    Srivastava et al., "Dropout: A Simple Way to Prevent Neural Networks from Overfitting" (2014). Unlike Keras' own it
    has no state: the mask is noise of the tools in use (`Tools.active`), and so the same on every backend and in a
    resumed run; and while sampling it is the image's own, whatever batch that is in.

    Args:
        rate: the share of values that become zero, in [0, 1).
        always: drop also where `training` is false, as in pix2pix (Isola et al. 2017, section 2.1), whose only noise it
            is.

    Input shape: any, (N, …). Output shape: the same.

    Raises:
        RuntimeError: when called, where it would drop and no tools are in use.
    """

    def __init__(self, rate: float, always: bool = False, **kwargs: Any) -> None:
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be in [0, 1). Received: rate={rate}")
        super().__init__(**kwargs)
        self.rate = rate
        self.always = always

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        if self.rate == 0 or not (training or self.always):
            return inputs
        tools = tools_in_use()
        if tools is None:
            raise RuntimeError(
                f"Dropout layer '{self.name}' takes its noise from the tools in use (`Tools.active()`), "
                "and there are none. Call the network in a loss or a task of a model, for which the engine provides "
                "them, or inside `with tools.active():`."
            )
        kept = tools.uniform(tuple(inputs.shape)) >= self.rate
        return ops.where(kept, inputs / (1 - self.rate), 0)

    def compute_output_spec(self, inputs: Tensor, training: bool = False) -> keras.KerasTensor:
        """The same as that of the inputs, told without drawing noise."""
        return keras.KerasTensor(inputs.shape, dtype=self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "always": self.always}
