"""Checks of what outlives a process: saved models, interrupted runs, and what should not be left behind."""

import numpy as np

from zoo_core.testing.global_state import watched
from zoo_core.testing.results import CheckFailed, CheckSkipped
from zoo_core.testing.sampling import ROUNDING
from zoo_core.testing.saved import read_state
from zoo_core.testing.subject import MIDDLE, STEPS, Subject, needs
from zoo_core.training import checkpoint, session


def a_saved_model_gives_the_same_samples(subject: Subject) -> None:
    """What was sampled at the end of the training comes out of the run's folder again."""
    if not subject.draws:
        raise CheckSkipped("the model has neither of the tasks 'generate' and 'translate'")
    loaded, before = subject.images, subject.run.images
    assert before is not None
    difference = np.abs(loaded - before).max()
    if difference > ROUNDING:
        raise CheckFailed(
            "the same images from a run's folder as at the end of its training",
            f"a difference of up to {difference:.2g} in [-1, 1]",
            "keep everything that is learnt in the weights of the networks, and nothing on `self` but the options",
        )


def a_resumed_run_equals_an_uninterrupted_one(subject: Subject) -> None:
    """A run that goes on from its checkpoint ends in the same weights, bit for bit."""
    with subject.run.unpacked() as run:
        expected = read_state(run, STEPS)
        checkpoint.path_of(run, STEPS).unlink()
        session.resume(run.path, data=subject.data, surroundings=session.Surroundings("cpu"))
        found = read_state(run, STEPS)
    for name, array in expected.items():
        if name not in found or not np.array_equal(found[name], array):
            raise CheckFailed(
                f"a run resumed at step {MIDDLE} of {STEPS} to end as one that was never interrupted",
                f"'{name}' differs",
                "draw all noise from `tools`, and keep nothing on `self` but the options",
            )


def no_global_state_is_left(subject: Subject) -> None:
    """Other models live in the same process: its environment, random states, warnings and Keras' settings are theirs
    too."""
    with watched(subject.changed):
        needs(subject.run)
        if subject.draws:
            needs(subject.images)
    if subject.changed:
        raise CheckFailed(
            "building, training and sampling to leave the process as it was",
            f"{' and '.join(sorted(subject.changed))} changed",
            "take noise from `tools` and settings from the options",
        )


CHECKS = (a_saved_model_gives_the_same_samples, a_resumed_run_equals_an_uninterrupted_one, no_global_state_is_left)
