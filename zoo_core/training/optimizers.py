"""What the training options add to a model's optimizers: a schedule, clipping, loss scaling."""

import math
from dataclasses import replace
from typing import Any

import keras
from keras import ops

from zoo_core.errors import UsageError
from zoo_core.models import Phase, Tensor
from zoo_core.training.options import TrainingOptions


class Schedule(keras.optimizers.schedules.LearningRateSchedule):
    """A peak learning rate times a factor: rising over `warmup` updates, then falling to 0 at the last one.

    Args:
        peak: the learning rate after the warm-up.
        shape: "constant", "linear" or "cosine" (Loshchilov & Hutter 2017, eq. 5, without restarts).
        warmup, updates: of the optimizer that it belongs to.
    """

    def __init__(self, peak: float, shape: str, warmup: int, updates: int) -> None:
        self.peak, self.shape, self.warmup, self.updates = peak, shape, warmup, updates

    def __call__(self, step: Tensor) -> Tensor:
        t = ops.cast(step, keras.config.floatx())
        done = ops.clip((t - self.warmup) / max(1, self.updates - self.warmup), 0.0, 1.0)
        decay = {"constant": 1.0, "linear": 1.0 - done, "cosine": 0.5 * (1.0 + ops.cos(math.pi * done))}[self.shape]
        return self.peak * decay * ops.minimum(1.0, (t + 1.0) / (self.warmup + 1.0))

    def get_config(self) -> dict[str, Any]:
        return {"peak": self.peak, "shape": self.shape, "warmup": self.warmup, "updates": self.updates}


def equip(phase: Phase, options: TrainingOptions) -> Phase:
    """The phase, its optimizer as the options want it.

    Raises:
        UsageError: where a schedule or clipping is asked for and the model has brought its own.
    """
    optimizer = phase.optimizer
    if options.schedule != "constant" or options.warmup:
        rate = optimizer.learning_rate
        if not isinstance(rate, keras.Variable):
            raise UsageError(
                f"Phase '{phase.name}' has a learning-rate schedule of its own, so none can be asked for.",
                "Leave schedule and warmup out of the training options.",
            )
        # A phase that runs every k-th step runs in the first one.
        warmup, updates = (math.ceil(steps * phase.repeat / phase.every) for steps in (options.warmup, options.steps))
        optimizer.learning_rate = Schedule(float(rate.value), options.schedule, warmup, updates)
    if options.clip_norm:
        for name in ("clipnorm", "clipvalue", "global_clipnorm"):  # Keras would obey the first of them alone
            if own := getattr(optimizer, name):
                raise UsageError(
                    f"Phase '{phase.name}' clips its gradients itself ({name}={own}), so clip_norm can't be asked for.",
                    "Leave clip_norm out of the training options.",
                )
        optimizer.global_clipnorm = options.clip_norm  # Pascanu et al. 2013, algorithm 1
    if options.precision == "float16":
        optimizer = keras.optimizers.LossScaleOptimizer(optimizer)  # Micikevicius et al. 2018, section 3.2
    return replace(phase, optimizer=optimizer)
