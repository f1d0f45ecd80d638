"""The metrics of the core, in the order in which they are measured."""

from zoo_core.specs import MetricSpec

_METRICS = {
    "fd": ("frechet:FrechetDistance", "Fréchet distance between features (Heusel et al. 2017)"),
    "fid": ("frechet:FID", "the same of Inception features, and of no others"),
    "fid_infinity": ("fid_infinity:FIDInfinity", "what it would be of infinitely many images (Chong & Forsyth 2020)"),
    "kid": ("kid:KID", "squared maximum mean discrepancy between features (Bińkowski et al. 2018)"),
    "isc": ("inception_score:InceptionScore", "Inception Score (Salimans et al. 2016)"),
    "prc": ("precision_recall:PrecisionRecall", "improved precision and recall (Kynkäänniemi et al. 2019)"),
    "dc": ("density_coverage:DensityCoverage", "density and coverage (Naeem et al. 2020)"),
    "intra_fd": ("intra_fid:IntraFrechetDistance", "Fréchet distance class by class (Miyato & Koyama 2018)"),
    "class_accuracy": ("class_accuracy:ClassAccuracy", "share of images that show the class asked for"),
    "cas": (
        "classification_accuracy_score:ClassificationAccuracyScore",
        "accuracy of a classifier trained on generated images, for minutes (Ravuri & Vinyals 2019)",
    ),
    "memorization": (
        "memorization:Memorization",
        "are generated images nearer to training images than unseen ones (Meehan et al. 2020)",
    ),
    "authenticity": ("authenticity:Authenticity", "share that is no variation of a training image (Alaa et al. 2022)"),
    "ssim": ("ssim:SSIM", "structural similarity (Wang et al. 2004)"),
    "ms_ssim": ("ms_ssim:MSSSIM", "multi-scale structural similarity (Wang et al. 2003)"),
    "diversity": ("diversity:Diversity", "MS-SSIM between images of one class (Odena et al. 2017)"),
    "psnr": ("psnr:PSNR", "peak signal-to-noise ratio, dB"),
    "likelihood": ("likelihood:LikelihoodMetric", "log-likelihood of real images, as bits for each value if it can be"),
}
"""By name the module of `zoo_core.evaluation` and the class, and one line."""

METRICS = tuple(
    MetricSpec(name=name, summary=summary, target=f"zoo_core.evaluation.{target}")
    for name, (target, summary) in _METRICS.items()
)
