import numpy as np

from zoo_core.evaluation.intervals import Rated, mean_of, normal, share_of
from zoo_core.evaluation.metric import Metric, NotApplicable, SampleMetric
from zoo_core.evaluation.record import Score


class Contrast(SampleMetric):
    name = "v1-contrast"
    ideal = 0.0

    def measure(self, sample, evaluand):
        if min(sample.images.shape[:2]) < 2:
            raise NotApplicable("Contrast needs images of at least 2x2 pixels.")
        found, real = _contrasts(sample.images), _contrasts(evaluand.reference.images)
        error = np.std(found) / len(found) ** 0.5
        estimate = normal(abs(found.mean() - real.mean()), error, "standard error of the mean, reference fixed")
        return {"v1-contrast": Rated(estimate, "Contrast difference", "lower", len(real))}


class Bright(SampleMetric):
    name = "v1-bright"

    def measure(self, sample, evaluand):
        if evaluand.training is None:
            raise NotApplicable("It compares with training images, and there are none.")
        limit = evaluand.training.features.pick(np.arange(2)).mean()
        hits = np.concatenate([chunk.mean(axis=1) > limit for chunk in sample.features.chunks()])
        key = f"v1-bright_{evaluand.network.label}"
        return {key: Rated(share_of(hits), "Bright", "higher", 0)}


class MeanError(Metric):
    name = "v1-error"
    needs = "reconstructions"
    ideal = 0.0

    def __call__(self, evaluand):
        if evaluand.pairs is None:
            raise NotApplicable("It needs reconstructions, and there are none.")
        chunks = zip(*(images.chunks() for images in evaluand.pairs), strict=True)
        errors = np.concatenate([np.abs(x.astype(float) - y).mean(axis=(1, 2, 3)) for x, y in chunks])
        estimate = mean_of(errors)
        score = Score(
            value=estimate.value,
            label="Mean error (levels)",
            better="lower",
            n_generated=len(errors),
            n_reference=len(errors),
            standard_error=estimate.standard_error,
            interval=estimate.interval,
            interval_method=estimate.method,
        )
        return {"v1-error": score}


def _contrasts(images):
    return np.concatenate([chunk.std(axis=(1, 2, 3)) for chunk in images.chunks()])
