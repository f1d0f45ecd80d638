"""How probable are real images by what the model says?"""

import math

import numpy as np

from zoo_core.errors import ZooError
from zoo_core.evaluation.intervals import Rated, mean_of
from zoo_core.evaluation.metric import Evaluand, Likelihoods, Metric, Need, NotApplicable, score
from zoo_core.evaluation.record import Score

DISCRETE = "discrete"


class LikelihoodMetric(Metric):
    """The log-likelihood of reference images, mean over them.

    Of images of 256 levels it is given as bits for each of the H·W·C values (Theis et al. 2016, "A note on the
    evaluation of generative models", section 3.1), for which 8 is what a uniform distribution needs: `bits_per_dim`
    where it is exact, and where the model gives a lower bound of the likelihood, which is an upper one of the bits,
    `bits_per_dim_bound`. Other distributions of pixels are densities or of fewer levels, and so incomparable: in nats
    for each image, under a key that names them, `elbo_binarized` for a bound and `nats_binarized` where exact.
    """

    name = "likelihood"
    keys = ("bits_per_dim", "nats", "elbo")
    needs: Need = "likelihood"

    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        found = evaluand.likelihoods
        if found is None:
            raise NotApplicable("A likelihood needs a model that gives one, and there is none.")
        wrong = np.count_nonzero(~np.isfinite(found.nats))
        if wrong:
            raise ZooError(
                f"Expected finite log-likelihoods, received {wrong} of {len(found.nats)} that are not.",
                "The model's training may have diverged, or it gives some images no probability at all.",
            )
        key, rated = _rated(found, math.prod(evaluand.reference.images.shape))
        return {key: score(rated, n_generated=0)}


def _rated(found: Likelihoods, dimensions: int) -> tuple[str, Rated]:
    count, exact = len(found.nats), found.kind == "exact"
    if found.pixels == DISCRETE:
        bits = mean_of(-found.nats / (math.log(2) * dimensions))
        if exact:
            return "bits_per_dim", Rated(bits, "Bits/dim", "lower", count)
        return "bits_per_dim_bound", Rated(bits, "Bits/dim (upper bound)", "lower", count)
    key, what = ("nats", "Log-likelihood") if exact else ("elbo", "ELBO")
    return f"{key}_{found.pixels}", Rated(mean_of(found.nats), f"{what} ({found.pixels}), nats", "higher", count)
