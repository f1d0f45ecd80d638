import numpy as np
import pytest

from zoo_core.errors import UsageError
from zoo_core.evaluation.metric import Evaluand, NotApplicable
from zoo_core.evaluation.metrics import METRICS, compute, select
from zoo_core.features import Pixels


def test_all_that_apply_are_measured(images):
    real = images(50, 3)
    assert set(compute(None, Evaluand(features=Pixels(), reference=real, generated=real))) == {"fd_pixels"}
    assert set(compute(None, Evaluand(features=Pixels(), reference=real, pairs=(real, real)))) == {"psnr"}


def test_named_ones_alone_are_measured(images):
    real = images(50, 12)
    evaluand = Evaluand(features=Pixels(), reference=real, generated=real, pairs=(real, real))
    assert list(compute(["ssim", "psnr"], evaluand)) == ["ssim", "psnr"]


def test_a_named_one_that_does_not_apply_is_an_error(images):
    with pytest.raises(NotApplicable, match="SSIM needs reconstructions") as caught:
        compute(["fd", "ssim"], Evaluand(features=Pixels(), reference=images(50, 3), generated=images(50, 3)))
    assert caught.value.exit_code == 2


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'ssim'"):
        select(["sim"])


def test_what_metrics_need_is_known_before_anything_is_generated():
    assert {metric.needs for metric in select(["ssim", "psnr"])} == {"reconstructions"}
    assert select(None) == list(METRICS.values())


@pytest.mark.parametrize(
    "wrong",
    [
        {"generated": np.zeros((5, 4, 4, 1), np.uint8)},
        {"generated": np.zeros((5, 3, 3, 1), np.float32)},
        {"generated": np.zeros((0, 3, 3, 1), np.uint8)},
        {"training": np.zeros((5, 3, 3, 3), np.uint8)},
        {"pairs": (np.zeros((5, 3, 3, 1), np.uint8), np.zeros((4, 3, 3, 1), np.uint8))},
        {"labels": np.zeros(5, np.int32)},
        {"generated": np.zeros((5, 3, 3, 1), np.uint8), "labels": np.zeros(4, np.int32)},
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(images, wrong):
    with pytest.raises(UsageError, match="Expected"):
        Evaluand(features=Pixels(), reference=images(5, 3), **wrong)
