"""The check that inputs do what they are for."""

from functools import partial

import numpy as np

from zoo_core.testing.results import CheckFailed, CheckSkipped
from zoo_core.testing.subject import COUNT, Subject
from zoo_core.testing.tiny import inputs_of


def inputs_matter_where_images_are_made_from_them(subject: Subject) -> None:
    """A model with the task `translate` makes other images from other inputs, with the same noise."""
    if not subject.spec.translates:
        raise CheckSkipped("the model has not the task 'translate'")
    transform = partial(subject.drawing(subject.build(), from_inputs=True), subject.weights, np.arange(COUNT), 1)
    inputs = inputs_of(subject.data, COUNT)
    if np.array_equal(transform(inputs), transform(255 - inputs)):
        raise CheckFailed(
            "other images from other inputs, from the same noise",
            "the same images",
            "give the inputs of `transform` to a network, or name the task 'generate' in its place",
        )


CHECKS = (inputs_matter_where_images_are_made_from_them,)
