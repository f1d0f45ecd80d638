"""How long and how a model is trained: what belongs to the engine, not to the model."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from zoo_core.errors import UsageError
from zoo_core.options import Options, resolve

MOST_STEPS = 99_999_999
"""What the names of checkpoints have room for."""


BUDGETS = ("steps", "images", "seconds")
"""What a training may end by; one of them."""


class TrainingOptions(Options):
    """The table [training] of a run's options. A budget of images is told in steps as well once the model is known;
    where there is one of seconds and no `steps` are given, these have no end."""

    steps: int = Field(2000, ge=1, le=MOST_STEPS, description="training steps, at least 1")
    images: int = Field(0, ge=0, description="images seen that end the training, in place of steps; 0 for none")
    seconds: float = Field(0.0, ge=0, description="seconds of training steps that end the training; 0 for none")
    batch_size: int = Field(64, ge=1, le=65536, description="images in each update, at least 1")
    precision: Literal["float32", "bfloat16", "float16", "float64"] = Field(
        "float32", description="that networks compute in; weights and updates are float32, or float64 throughout"
    )
    schedule: Literal["constant", "linear", "cosine"] = Field(
        "constant", description="of the learning rate after the warm-up; linear and cosine end at 0"
    )
    warmup: int = Field(0, ge=0, le=MOST_STEPS, description="steps in which the learning rate rises from 0")
    clip_norm: float = Field(0.0, ge=0, description="limit of each update's gradient norm; 0 for none")
    accumulate: int = Field(1, ge=1, description="parts of a batch whose gradients are added up, to save memory")
    augment: tuple[Literal["color", "translation", "cutout"], ...] = Field(
        (), description="DiffAugment of every discriminator input: any of color, translation, cutout"
    )
    ema: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights, in [0, 1); 0 turns averaging off")
    log_every: int = Field(50, ge=1, description="steps between lines of metrics.jsonl, at least 1")
    sample_every: int = Field(500, ge=0, description="steps between sample grids; 0 for none but the last")
    checkpoint_every: int = Field(500, ge=1, description="steps between checkpoints, at least 1")
    select_every: int = Field(
        0, ge=0, description="steps between scores on held-out images, to keep the best weights; 0 for none"
    )
    select_features: str = Field("auto", description="feature network of these scores, of zoo features list")
    select_weights: str = Field("", description="file of its weights, in place of its own")
    patience: int = Field(0, ge=0, description="scores in a row without a better one that end the training; 0 for none")
    steps_per_dispatch: int = Field(
        0, ge=0, description="steps that the device runs at once, on JAX; 0 chooses: 1 on a CPU, 16 on a GPU"
    )
    deterministic: bool = Field(False, description="the same bits on a GPU too, where that costs speed")
    keep: int = Field(2, ge=1, description="how many of the latest checkpoints stay, at least 1")

    @model_validator(mode="before")
    @classmethod
    def _seconds_alone_end_it(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {"steps": MOST_STEPS, **given} if given.get("seconds") else given

    @model_validator(mode="after")
    def _falling_rates_need_an_end(self) -> "TrainingOptions":
        if self.seconds and self.schedule != "constant":
            raise ValueError(f"schedule '{self.schedule}' ends at the last step, which a budget of seconds leaves open")
        return self

    @model_validator(mode="after")
    def _parts_divide_the_batch(self) -> "TrainingOptions":
        if self.batch_size % self.accumulate:
            raise ValueError(f"accumulate must divide batch_size, received {self.accumulate} and {self.batch_size}")
        return self

    @model_validator(mode="after")
    def _augmentations_are_applied_once(self) -> "TrainingOptions":
        if len(set(self.augment)) < len(self.augment):
            raise ValueError(f"augment names each kind once, received {','.join(self.augment)}")
        return self

    @model_validator(mode="after")
    def _what_needs_scores(self) -> "TrainingOptions":
        fields = type(self).model_fields
        about = ("select_features", "select_weights", "patience")
        given = [name for name in about if getattr(self, name) != fields[name].default]
        if given and not self.select_every:
            raise ValueError(f"{given[0]} is about scores on held-out images: set select_every too")
        return self


def training_options(asked: Mapping[str, Any]) -> TrainingOptions:
    """The options that somebody asked for, by name.

    Raises:
        UsageError: for an unknown one, one out of bounds, or more than one budget.
    """
    budgets = [name for name in BUDGETS if asked.get(name)]
    if len(budgets) > 1:
        raise UsageError(f"A training has one budget, received {' and '.join(budgets)}.", "Leave one of them out.")
    return resolve(TrainingOptions, asked, "training")


def as_asked(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a training as somebody would ask for it: without the steps that stand for another budget."""
    stand_in = resolved.get("images") or (resolved.get("seconds") and resolved.get("steps") == MOST_STEPS)
    return {name: value for name, value in resolved.items() if name != "steps" or not stand_in}


def changed(before: Mapping[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The options of another training, with what is asked for in their place. A budget takes the place of any other."""
    budgets = BUDGETS if any(asked.get(name) for name in BUDGETS) else ()
    return {name: value for name, value in as_asked(before).items() if name not in budgets} | dict(asked)
