import numpy as np

from zoo_core.evaluation.intervals import Rated, normal
from zoo_core.evaluation.metric import NotApplicable, SampleMetric


class Sharpness(SampleMetric):
    """How far the mean magnitude of the gradient is from that of the reference, in levels for each pixel."""

    name = "sharpness"
    ideal = 0.0

    def measure(self, sample, evaluand):
        if min(sample.images.shape[:2]) < 2:
            raise NotApplicable("Sharpness needs images of at least 2x2 pixels.")
        found, real = gradients(sample.images), gradients(evaluand.reference.images)
        error = np.std(found) / len(found) ** 0.5
        estimate = normal(abs(found.mean() - real.mean()), error, "standard error of the mean, reference fixed")
        return {"sharpness": Rated(estimate, "Sharpness difference", "lower", len(real))}


def gradients(images):
    """The mean gradient magnitude of each image, (N,)."""
    chunks = (chunk.mean(axis=3) for chunk in images.chunks())  # (n, H, W), gray, never all in memory
    return np.concatenate([np.hypot(*np.gradient(gray, axis=(1, 2))).mean(axis=(1, 2)) for gray in chunks])
