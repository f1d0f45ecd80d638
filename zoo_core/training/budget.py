"""Budgets of images, told in steps: how many a step sees depends on the model."""

from zoo_core.models import GenerativeModel
from zoo_core.training.options import TrainingOptions


def images_per_step(options: TrainingOptions, model: GenerativeModel) -> int:
    """Each repeat of a phase has a batch of its own; phases share them."""
    return options.batch_size * max(phase.repeat for phase in model.phases())


def in_steps(options: TrainingOptions, model: GenerativeModel) -> TrainingOptions:
    """The options, with as many `steps` as it takes to see `images`, where these are given."""
    if not options.images:
        return options
    return options.model_copy(update={"steps": -(-options.images // images_per_step(options, model))})
