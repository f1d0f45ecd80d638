"""Checks of models that give likelihoods."""

from collections.abc import Callable
from typing import Any

import numpy as np

from zoo_core.models.pixels import scale
from zoo_core.models.tasks import Likelihood
from zoo_core.testing.results import CheckFailed, CheckSkipped
from zoo_core.testing.subject import COUNT, Subject

ROUNDING = 1e-4
"""Relative."""


def likelihoods_are_finite_and_never_positive(subject: Subject) -> None:
    """With the task `likelihood`, `likelihood` says what `log_likelihood` gives, which is a finite number for each
    image: the log of the probability of something discrete, or a bound below it, and so 0 at most."""
    nats = _scorer(subject)(slice(COUNT), 1)
    declared = getattr(subject.build().model, "likelihood", None)
    if not isinstance(declared, Likelihood):
        raise CheckFailed(
            "an attribute `likelihood`, of zoo_core.models.tasks.Likelihood",
            f"{declared!r}",
            'write likelihood = Likelihood("exact", "discrete"), or what it is',
        )
    if nats.shape != (COUNT,) or not np.issubdtype(nats.dtype, np.floating):
        seen = f"{nats.dtype} {nats.shape}"
        raise CheckFailed(f"a number for each of {COUNT} images, floats ({COUNT},)", seen, "sum over pixels only")
    if not np.isfinite(nats).all():
        raise CheckFailed("finite numbers", f"{nats.tolist()}", "look for a logarithm of 0 in `log_likelihood`")
    if nats.max() > 0:
        raise CheckFailed(
            f"log-likelihoods of {declared.pixels} pixels, 0 at most",
            f"{nats.max():.6g} nats",
            "return log P, not -log P; and bound that of 256 levels by a density's with the log of a level's width",
        )


def a_seed_decides_the_likelihoods(subject: Subject) -> None:
    """The likelihood of an image is the same from the same seed, whatever is beside it; an exact one from any seed,
    unless images are binarized at random first."""
    score = _scorer(subject)
    nats = score(slice(COUNT), 1)
    model: Any = subject.build().model  # that it has the task, `_scorer` has seen
    for chosen in (slice(COUNT), slice(0, 2), slice(2, 4)):
        again = score(chosen, 1)
        if not np.allclose(again, nats[chosen], rtol=ROUNDING, atol=1e-6):
            raise CheckFailed(
                f"the same likelihoods from the same seed, in batches of {len(again)} and of {COUNT}",
                f"{again.tolist()} and {nats[chosen].tolist()}",
                "draw all noise from `tools`, of shape (count, …), and compute no mean over the batch",
            )
    other = score(slice(COUNT), 2)
    if model.likelihood == Likelihood("exact", "discrete") and not np.allclose(other, nats, rtol=ROUNDING, atol=1e-6):
        raise CheckFailed(
            "exact likelihoods that take no noise",
            f"{nats.tolist()} from seed 1, {other.tolist()} from seed 2",
            'draw no noise, or declare Likelihood("lower bound", …)',
        )


def _scorer(subject: Subject) -> Callable[[slice, int], np.ndarray]:
    """`score(chosen, seed)`: the log-likelihoods of some of the training images."""
    if "likelihood" not in subject.spec.tasks:
        raise CheckSkipped("the model has not the task 'likelihood'")
    run = subject.compiled(lambda model, networks, tools, given: model.log_likelihood(networks, scale(given), tools))
    numbers, images = np.arange(COUNT), subject.data.images("train")
    return lambda chosen, seed: run(seed, numbers[chosen], images[chosen])


CHECKS = (likelihoods_are_finite_and_never_positive, a_seed_decides_the_likelihoods)
