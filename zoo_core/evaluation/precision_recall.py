"""Improved precision and recall: do generated images look real, and do real images look generated?"""

from zoo_core.evaluation.intervals import Estimate, Rated, share_of
from zoo_core.evaluation.metric import Evaluand, NotApplicable, SampleMetric
from zoo_core.evaluation.neighbours import balls_around
from zoo_core.evaluation.sample import Sample

K = 3


class PrecisionRecall(SampleMetric):
    """Kynkäänniemi et al. 2019, "Improved precision and recall metric for assessing generative models", eq. 1 and 2,
    with k = 3, both in [0, 1].

    Each image of a set spans a closed ball that reaches to its third nearest other one; together the balls are the
    set's manifold. Precision is the share of generated images within that of the reference, recall the share of
    reference images within that of the generated ones. Both depend on the numbers of images on either side.

    The intervals are for images drawn anew on the judged side, the other set's manifold staying as it is: they do not
    tell how much that manifold would change with other images.
    """

    name = "prc"
    keys = ("precision", "recall")
    ideal = 1.0

    def measure(self, sample: Sample, evaluand: Evaluand) -> dict[str, Rated]:
        reference, network = evaluand.reference, evaluand.network
        if min(len(sample), len(reference)) <= K:
            raise NotApplicable(
                f"Precision and recall need at least {K + 1} images on each side, received {len(sample)} generated and "
                f"{len(reference)} real ones."
            )
        precision, recall = _within(sample, reference), _within(reference, sample)
        return {
            f"precision_{network.label}": Rated(precision, f"Precision ({network.label})", "higher", len(reference)),
            f"recall_{network.label}": Rated(recall, f"Recall ({network.label})", "higher", len(reference)),
        }


def _within(judged: Sample, other: Sample) -> Estimate:
    """The share of the judged images within the other set's manifold."""
    hits = balls_around(judged.features, other.features, other.spacings(K), closed=True) > 0
    return share_of(hits)._replace(method="Wilson, given the other set's manifold")
