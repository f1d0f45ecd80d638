"""Budgets of images, told in steps: how many a step sees depends on the model."""

from zoo_core.errors import UsageError
from zoo_core.models import GenerativeModel
from zoo_core.training.options import MOST_STEPS, TrainingOptions


def images_per_step(options: TrainingOptions, model: GenerativeModel) -> int:
    """Each repeat of a phase has a batch of its own; phases share them."""
    return options.batch_size * max(phase.repeat for phase in model.phases())


def in_steps(options: TrainingOptions, model: GenerativeModel) -> TrainingOptions:
    """The options, with as many `steps` as it takes to see `images`, where these are given.

    Raises:
        UsageError: where these are more than a run can have.
    """
    if not options.images:
        return options
    each = images_per_step(options, model)
    steps = -(-options.images // each)
    if steps > MOST_STEPS:
        raise UsageError(
            f"{options.images:,} images, {each:,} in a step, take {steps:,} steps, expected at most {MOST_STEPS:,}.",
            "Ask for fewer images, or for a larger batch: --batch-size N",
        )
    return options.model_copy(update={"steps": steps})
