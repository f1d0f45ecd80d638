"""Density and coverage: precision and recall that outliers do not inflate."""

from zoo_core.evaluation.intervals import Rated, mean_of, share_of
from zoo_core.evaluation.metric import Evaluand, NotApplicable, SampleMetric
from zoo_core.evaluation.neighbours import BLOCK, balls_around, nearest
from zoo_core.evaluation.sample import Sample

K = 5


class DensityCoverage(SampleMetric):
    """Naeem et al. 2020, "Reliable fidelity and diversity metrics for generative models", section 3.2, with k = 5.

    Each reference image spans an open ball that reaches to its fifth nearest other one. Density is the number of balls
    that a generated image lies in, divided by k, on average: 1 is expected where both sets have one distribution, and
    more where generated images keep to where real ones are dense. Coverage, in [0, 1], is the share of balls that a
    generated image lies in: for N images on each side from one distribution 1 − ((N−1)…(N−k)) / ((2N−1)…(2N−k)) is
    expected, which is 0.97 for many.

    The intervals are for images drawn anew on the judged side, generated ones for density and reference ones for
    coverage, everything else staying as it is.
    """

    name = "dc"
    keys = ("density", "coverage")

    def measure(self, sample: Sample, evaluand: Evaluand) -> dict[str, Rated]:
        reference, network = evaluand.reference, evaluand.network
        if len(reference) <= K:
            raise NotApplicable(f"Density needs at least {K + 1} reference images, received {len(reference)}.")
        radii = reference.spacings(K)
        density = mean_of(balls_around(sample.features, reference.features, radii, closed=False) / K)
        to_sample = nearest(reference.features.chunks(BLOCK), sample.features).distances[:, 0]
        coverage = share_of(to_sample < radii)._replace(method="Wilson, given the generated images")
        return {
            f"density_{network.label}": Rated(density, f"Density ({network.label})", "higher", len(reference)),
            f"coverage_{network.label}": Rated(coverage, f"Coverage ({network.label})", "higher", len(reference)),
        }
