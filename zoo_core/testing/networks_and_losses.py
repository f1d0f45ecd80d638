"""Checks of what a model is made of, and of what trains it."""

from collections.abc import Iterable, Sequence
from typing import Any

import keras
import numpy as np

from zoo_core.errors import UnsupportedShape
from zoo_core.models import layers
from zoo_core.options import resolve
from zoo_core.testing.results import CheckFailed, CheckSkipped, told
from zoo_core.testing.saved import read_state
from zoo_core.testing.subject import BATCH, STEPS, Subject, check_samples, needs
from zoo_core.testing.trial import Call
from zoo_core.training.backends import backend
from zoo_core.training.options import TrainingOptions
from zoo_core.training.precision import computing_in
from zoo_core.training.variables import name_variables

REPLACED = (
    (
        keras.layers.SpectralNormalization,
        layers.SpectralNormalization,
        "overwrites its kernel in every training pass, also in that of a phase that does not train it",
    ),
    (keras.layers.Dropout, layers.Dropout, "has a random state of its own, and is off while sampling"),
)
"""Layers of Keras that do not fit here, ours in their place, and why."""

STATISTICS = ("moving_mean", "moving_variance", "seed_generator_state")
"""Variables that every training pass may write to, whichever phase makes it."""

WITH_STATE: tuple[Any, ...] = (layers.SpectralNormalization, *(theirs for theirs, _, _ in REPLACED))
"""Layers that may do so with all their variables; Keras' own are refused by a check of their own."""

OFFSET = 1.0
"""Far more than float32 rounds off an image."""


def networks_build_or_refuse_a_shape(subject: Subject) -> None:
    """Images of any size come from the command line: the networks stand, or `UnsupportedShape` says what would do."""
    needs(subject.shape)
    for sizes, error in subject.attempts.items():
        at = f"at {sizes}"
        if isinstance(error, UnsupportedShape) and not error.hint:
            raise CheckFailed(
                f"a refusal {at} that says what the model takes",
                f"UnsupportedShape('{error.message}') without a hint",
                "give UnsupportedShape a second argument, such as 'Ask for a larger size: --data SET@16.'",
            )
        if error and not isinstance(error, UnsupportedShape):
            raise CheckFailed(
                f"networks {at}, or UnsupportedShape",
                told(error),
                "let `networks` follow `data.image_shape`, or raise zoo_core.UnsupportedShape before building",
            ) from error


def layers_fit_the_engine(subject: Subject) -> None:
    """Two layers of Keras keep a state that alternating phases, resumed runs and samplers can't live with."""
    for name, network in subject.build().networks.items():
        for layer in network._flatten_layers():
            for theirs, ours, reason in REPLACED:
                if isinstance(layer, theirs):
                    raise CheckFailed(
                        f"no {theirs.__name__} of Keras, which {reason}",
                        f"layer '{layer.name}' of network '{name}'",
                        f"use zoo_core.models.layers.{ours.__name__}",
                    )


def losses_are_finite_named_scalars(subject: Subject) -> None:
    """What training minimises and logs: one number each, never NaN, at the first look and while training."""
    needs(subject.seen, subject.run)


def phases_change_only_what_they_train(subject: Subject) -> None:
    """A phase changes the networks in its `trains`, each of them, and of others only running statistics."""
    built, seen = subject.trial.built, subject.seen
    variables = name_variables(built.networks)
    free = _statistics(built.networks.values())
    for phase in subject.trial.phases:
        for name in seen.writes[phase.name]:
            if _network(name) not in phase.trains and id(variables[name]) not in free:
                raise CheckFailed(
                    f"phase '{phase.name}' to change nothing but {', '.join(map(repr, phase.trains))}",
                    f"it writes to '{variables[name].path}' of '{_network(name)}'",
                    "call that network with training=False there, or keep no such state in its layers",
                )
    with subject.run.unpacked() as run:
        trained = read_state(run, STEPS)
    changed = {
        _network(name)
        for name, variable in variables.items()
        if "/trainable/" in name and not np.array_equal(backend().to_numpy(variable.value), trained[name])
    }
    for phase in subject.trial.phases:
        for network in phase.trains:
            if network not in changed or seen.gradients[phase.name].get(network) == 0:
                raise CheckFailed(
                    f"phase '{phase.name}' to change '{network}', which it trains",
                    f"after {STEPS} steps its weights are what they were"
                    if network not in changed
                    else "the loss of this phase has no gradient there, and another phase changes it",
                    "look for an ops.stop_gradient, an argmax or a rounding between it and the loss",
                )


def discriminators_see_augmented_images(subject: Subject) -> None:
    """DiffAugment helps only where each image that a discriminator judges, real or generated, passes through it.

    A network is taken for a discriminator where it is no part of `inference`, is given images, and is called in one
    phase that trains it and in another that does not: that is what makes training adversarial.
    """
    built, plain = subject.trial.built, subject.seen
    moved = subject.trial(subject.batch(0), OFFSET)
    trains = {phase.name: phase.trains for phase in subject.trial.phases}
    judges = {
        network
        for phase, network in ((call[0].phase, call[0].network) for call in plain.calls if _images(call, subject.shape))
        if network not in (*built.model.inference, *trains[phase]) and any(network in nets for nets in trains.values())
    }
    if not judges:
        raise CheckSkipped("no network judges images in a phase that trains another")
    for before, after in zip(plain.calls, moved.calls, strict=True):
        phase, network, _ = before[0]
        images = _images(before, subject.shape)
        if network not in judges or not images:
            continue
        one, other = (np.concatenate([call[i].inputs for i in images], axis=-1) for call in (before, after))
        passed = _have_moved(one, other)
        if not passed.all():
            raise CheckFailed(
                f"every image that '{network}' judges to have passed `tools.augment`",
                f"in phase '{phase}', {np.sum(~passed)} of {passed.size} images of one call have not",
                f'write nets["{network}"](tools.augment(images), training=True), for real images and generated ones',
            )


def mixed_precision_trains(subject: Subject) -> None:
    """Half of the memory, and on a GPU more than twice the speed: networks compute in bfloat16, losses in float32. A
    run draws from these networks, too: what a loop carries keeps the type that it starts with."""
    needs(subject.run)
    training = resolve(TrainingOptions, {"precision": "bfloat16"}, "training")
    with computing_in("bfloat16"):
        built = subject.build()
        engine = subject.engine(built, training)
        for step in range(2):
            logs = engine.step(step, subject.batch(step, BATCH * engine.batches_per_step))
            for name, value in logs.items():
                number = float(backend().to_numpy(value))
                if not np.isfinite(number):
                    raise CheckFailed(
                        "finite losses with networks that compute in bfloat16",
                        f"'{name}' is {number} in step {step}",
                        "keep what needs 8 digits, such as a small ε, out of the networks: losses are float32",
                    )
        if subject.draws:
            images = subject.made_by(built, engine.average([subject.batch(0, BATCH * engine.batches_per_step)]))
            check_samples(images, subject.shape, " from networks that compute in bfloat16")


def _network(variable: str) -> str:
    """From `networks/<network>/trainable/…`."""
    return variable.split("/")[1]


def _statistics(networks: Iterable[keras.Model]) -> set[int]:
    """The variables, by their `id`, that a training pass may write to in any phase."""
    free = set()
    for network in networks:
        free |= {id(variable) for variable in network.variables if variable.name in STATISTICS}
        for layer in network._flatten_layers():
            if isinstance(layer, WITH_STATE):
                free |= {id(variable) for variable in layer.variables}
    return free


def _images(call: Sequence[Call], shape: tuple[int, int, int]) -> list[int]:
    """Which of a call's inputs are images, also with further channels, such as a condition."""
    return [i for i, one in enumerate(call) if one.inputs.ndim == 4 and one.inputs.shape[1:3] == shape[:2]]


def _have_moved(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Whether each of the images (N, H, W, C) differs from the other: in every channel, but for those of one value,
    such as a label's. Where channels are joined, those of an image may stand beside those of another."""
    moved = np.abs(one - other).max(axis=(1, 2)) > 1e-3  # (N, C)
    flat = np.ptp(one, axis=(1, 2)) == 0
    return moved.any(axis=1) & (moved | flat).all(axis=1)


CHECKS = (
    networks_build_or_refuse_a_shape,
    layers_fit_the_engine,
    losses_are_finite_named_scalars,
    phases_change_only_what_they_train,
    discriminators_see_augmented_images,
    mixed_precision_trains,
)
