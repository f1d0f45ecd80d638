"""The check that a model learns something: it takes longer than all the others."""

import numpy as np

from zoo_core.data import Feeder
from zoo_core.options import resolve
from zoo_core.testing.results import CheckFailed
from zoo_core.testing.subject import SEED, Subject, needs
from zoo_core.testing.tiny import every_class, inputs_of, striped_images
from zoo_core.training.backends import backend
from zoo_core.training.build import build
from zoo_core.training.options import TrainingOptions

STEPS = 200
LOOK_EVERY = 25
BATCH = 32
DRAWN = 64
SHARE = 0.2


def training_brings_samples_closer(subject: Subject) -> None:
    """Within 200 steps on striped images, with the options as given and otherwise their defaults, the mean sample comes
    closer to the mean image; that of a model that makes images from inputs, too. For one that does neither the first
    phase's loss falls.

    The closest of several looks counts, since adversarial training goes around in circles at first.
    """
    needs(subject.run)
    data = striped_images(subject.sizes)
    options = resolve(subject.registered.load()[1], subject.given, f"model '{subject.name}'")
    built = build(subject.registered, options, data.spec, SEED)
    engine = subject.engine(built, resolve(TrainingOptions, {"ema": 0.0}, "training"))
    feeder = Feeder(data, "train", BATCH * engine.batches_per_step, SEED)
    mean = data.images("train").mean(axis=0) / 127.5 - 1
    draw = subject.drawing(built, from_inputs=not subject.spec.generates)
    asked = every_class(DRAWN) if subject.spec.generates else inputs_of(data, DRAWN)

    def distance() -> float:
        samples = draw(engine.average([feeder.batch(0)]), np.arange(DRAWN), 0, asked)
        return float(np.abs(samples.mean(axis=0) - mean).mean())

    scores = [distance()] if subject.draws else []
    phase = f"{built.model.phases()[0].name}/loss"
    for step in range(STEPS):
        logs = engine.step(step, feeder.batch(step))
        if subject.draws and (step + 1) % LOOK_EVERY == 0:
            scores.append(distance())
        elif not subject.draws and phase in logs:
            scores.append(float(backend().to_numpy(logs[phase])))
    what = "the distance of the mean sample from the mean image" if subject.draws else f"'{phase}'"
    before, after = scores[0], min(scores)
    if not after < before - SHARE * abs(before):
        raise CheckFailed(
            f"{what} to fall by {SHARE:.0%} at least in {STEPS} steps on images of one pattern",
            f"{before:.3g} at first, {after:.3g} at best",
            "look for a loss of the wrong sign, a learning rate that is far off, or a phase that trains nothing",
        )


CHECKS = (training_brings_samples_closer,)
