"""Checks that labels do what the spec says of them."""

import numpy as np

from zoo_core.testing.results import CheckFailed, CheckSkipped, told
from zoo_core.testing.subject import COUNT, Subject
from zoo_core.testing.tiny import CLASSES, every_class, noise_images
from zoo_core.testing.trial import Trial


def labels_matter_where_required(subject: Subject) -> None:
    """A conditional model gives other images for other labels, from the same noise."""
    if not (subject.spec.conditional and subject.spec.generates):
        raise CheckSkipped("the spec says that labels are ignored, or the model does not generate")
    asked = (every_class(COUNT) + 1) % len(CLASSES)
    if np.array_equal(subject.images, subject.draw(np.arange(COUNT), 1, asked.astype("int32"))):
        raise CheckFailed(
            "other images for other labels, from the same noise",
            "the same images",
            "give the labels of `sample` to a network, or say labels='ignored' in the spec",
        )


def labels_are_ignored_where_said_so(subject: Subject) -> None:
    """A model that ignores labels trains on data without any, and the same on data with some."""
    if subject.spec.conditional:
        raise CheckSkipped("the spec says that labels are required")
    seen = subject.seen
    expected = "a model that never looks at labels, as its spec says"
    mend = "say labels='required' in the spec, or leave the labels alone"
    batch = {name: array for name, array in subject.batch(0).items() if name != "labels"}
    try:
        without = Trial(subject.build(noise_images(subject.sizes, labelled=False).spec))(batch)
    except Exception as error:
        raise CheckFailed(expected, f"without labels {told(error)}", mend) from error
    for phase, values in seen.values.items():
        for name, value in values.items():
            if not np.isclose(value, without.values.get(phase, {}).get(name, np.nan), rtol=1e-4, atol=1e-6):
                seen_ = f"'{name}' of phase '{phase}' differs between data with and without labels"
                raise CheckFailed(expected, seen_, mend)


CHECKS = (labels_matter_where_required, labels_are_ignored_where_said_so)
