"""The structural similarity (SSIM) of reconstructions with their originals."""

import numpy as np
from skimage.metrics import structural_similarity

from zoo_core.evaluation.metric import Evaluand, Metric, NotApplicable
from zoo_core.evaluation.record import Score

GAUSSIAN_WINDOW = 11
UNIFORM_WINDOW = 7


class SSIM(Metric):
    """Wang et al. 2004, "Image quality assessment", eq. 13, mean over pixels, channels and pairs, in [-1, 1].

    An 11×11 Gaussian window with σ 1.5, data range 255, K₁ 0.01, K₂ 0.03, population covariance. An image too small
    for that window is measured with a uniform 7×7 one, which gives other numbers and so has the key `ssim_uniform7`.
    """

    name = "ssim"
    needs = "reconstructions"

    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        if evaluand.pairs is None:
            raise NotApplicable("SSIM needs reconstructions, and there are none.")
        height, width = evaluand.reference.shape[1:3]
        if min(height, width) < UNIFORM_WINDOW:
            raise NotApplicable(f"SSIM needs images of at least 7x7 pixels, received {height}x{width}.")
        gaussian = min(height, width) >= GAUSSIAN_WINDOW
        window = {"gaussian_weights": True, "sigma": 1.5} if gaussian else {"win_size": UNIFORM_WINDOW}
        values = [
            structural_similarity(one, other, data_range=255, channel_axis=-1, use_sample_covariance=False, **window)
            for one, other in zip(*evaluand.pairs, strict=True)
        ]
        score = Score(
            value=float(np.mean(values)),
            label="SSIM" if gaussian else "SSIM (uniform 7x7)",
            better="higher",
            n_generated=len(values),
            n_reference=len(values),
        )
        return {"ssim" if gaussian else "ssim_uniform7": score}
