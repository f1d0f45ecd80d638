"""The peak signal-to-noise ratio (PSNR) of reconstructions with their originals."""

import numpy as np
from skimage.metrics import peak_signal_noise_ratio

from zoo_core.evaluation.metric import Evaluand, Metric, NotApplicable
from zoo_core.evaluation.record import Score

CAP = 100.0


class PSNR(Metric):
    """10 log₁₀(255² / MSE) in dB for each pair, MSE over its pixels and channels, and the mean of that over pairs.

    A pair's PSNR is at most 100 dB: identical images have an infinite one, and this is what super-resolution code
    customarily counts for them.
    """

    name = "psnr"
    needs = "reconstructions"

    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        if evaluand.pairs is None:
            raise NotApplicable("PSNR needs reconstructions, and there are none.")
        with np.errstate(divide="ignore"):  # identical pairs
            values = [
                min(CAP, peak_signal_noise_ratio(one, other, data_range=255))
                for one, other in zip(*evaluand.pairs, strict=True)
            ]
        score = Score(
            value=float(np.mean(values)),
            label="PSNR (dB)",
            better="higher",
            n_generated=len(values),
            n_reference=len(values),
        )
        return {"psnr": score}
