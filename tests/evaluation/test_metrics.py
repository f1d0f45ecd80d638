import numpy as np
import pytest

from zoo_core.builtin.metrics import METRICS
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.extraction import FeatureStore
from zoo_core.evaluation.images import ArrayImages
from zoo_core.evaluation.metric import Evaluand, NotApplicable
from zoo_core.evaluation.metrics import USUAL, compute, metric_of, select
from zoo_core.evaluation.sample import Sample
from zoo_core.features import Pixels
from zoo_core.registry import registry
from zoo_core.testing import metric_material


@pytest.fixture
def sample(images):
    """`sample(count, side)` are random images seen as pixels."""

    def make(count, side, channels=1, seed=0):
        return Sample(ArrayImages("random", images(count, side, channels, seed)), Pixels(), FeatureStore(None))

    return make


@pytest.fixture
def evaluand(sample):
    """`evaluand(side)` has generated images, other real ones and pairs of that side."""

    def make(side):
        pairs = (sample(50, side).images, sample(50, side, seed=1).images)
        real = sample(50, side, seed=3)
        reference, generated = sample(50, side), sample(50, side, seed=2)
        return Evaluand(network=Pixels(), reference=reference, generated=generated, real=real, pairs=pairs)

    return make


def test_the_default_ones_that_apply_are_measured(evaluand):
    assert set(compute(None, evaluand(3))) == {"fd_pixels", "precision_pixels", "recall_pixels", "psnr"}


def test_named_ones_alone_are_measured_in_their_order(evaluand):
    assert list(compute(["ssim", "psnr"], evaluand(12))) == ["ssim", "psnr"]
    assert list(compute(["psnr", "psnr"], evaluand(12))) == ["psnr"]


@pytest.mark.filterwarnings("ignore:.*below:UserWarning")
def test_all_measures_whatever_applies(evaluand):
    found = compute(["all"], evaluand(12))
    assert {"fd_pixels", "kid_pixels", "density_pixels", "ms_ssim_1", "ms_ssim_diversity_1"} <= set(found)
    assert not {"fid", "isc", "cas"} & set(found)


def test_each_score_of_images_has_a_floor_and_the_numbers(evaluand):
    for score in compute(["fd", "prc", "dc", "kid"], evaluand(3)).values():
        assert (score.n_generated, score.n_reference, score.n_floor) == (50, 50, 50)
        assert score.floor is not None
        assert score.interval[0] <= score.value <= score.interval[1]


def test_a_named_one_that_does_not_apply_is_an_error_unless_a_protocol_names_it(sample):
    judged = Evaluand(network=Pixels(), reference=sample(200, 7), generated=sample(200, 7, seed=1))
    with pytest.raises(NotApplicable, match="SSIM needs reconstructions") as caught:
        compute(["fd", "ssim"], judged)
    assert caught.value.exit_code == 2
    assert list(compute(["fd", "ssim"], judged, strict=False)) == ["fd_pixels"]
    with pytest.raises(NotApplicable, match="SSIM needs reconstructions"):
        compute(["ssim"], judged, strict=False)


def test_fid_is_inception_s_alone(evaluand):
    with pytest.raises(NotApplicable, match="inception"):
        compute(["fid"], evaluand(3))


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(UsageError, match="Did you mean 'ssim'"):
        select(["sim"])


@pytest.mark.parametrize("names", [["", ""], ["fd", ""]])
def test_an_empty_name_is_told_what_is_expected(names):
    with pytest.raises(UsageError, match=f"Expected names of metrics, received '{','.join(names)}'.*fd,prc"):
        select(names)


def test_what_metrics_need_is_known_before_anything_is_generated():
    assert {metric.needs for metric in select(["ssim", "psnr"])} == {"reconstructions"}
    assert [metric.name for metric in select(["all"])] == list(registry().metrics)
    assert [metric.name for metric in select(None)] == list(USUAL)


@pytest.mark.filterwarnings("ignore:.*below:UserWarning")
@pytest.mark.parametrize("name", [spec.name for spec in METRICS if spec.name != "cas"])  # which trains for minutes
def test_the_keys_of_scores_tell_their_metric(name):
    others = [spec.name for spec in METRICS if spec.name != "fid"]  # which "fd" becomes with Inception's features
    (metric,) = select([name])
    for key, score in compute([name], metric_material.evaluand()).items():
        assert metric_of(key, (name,)) == name
        assert metric_of(key, others) == ("fd" if name == "fid" else name)
        assert metric.compares == (score.n_reference > 0)


def test_a_key_is_of_the_metric_that_says_most_of_it():
    assert metric_of("fd_infinity_pixels", ["fd", "fid_infinity"]) == "fid_infinity"
    assert metric_of("ms_ssim_diversity_2", ["ms_ssim", "diversity"]) == "diversity"
    assert metric_of("sharpness_high", ["ssim", "sharpness"]) == "sharpness"  # not installed
    assert metric_of("fdx", ["fd"]) is None


@pytest.mark.parametrize("wrong", ["generated", "real", "training"])
def test_images_of_another_shape_are_refused(sample, wrong):
    with pytest.raises(UsageError, match="has images of 4x4x1, the reference of 3x3x1"):
        Evaluand(network=Pixels(), reference=sample(5, 3), **{wrong: sample(5, 4)})


def test_half_a_pair_is_refused(sample):
    with pytest.raises(UsageError, match="received 5 originals, 4 others"):
        Evaluand(network=Pixels(), reference=sample(5, 3), pairs=(sample(5, 3).images, sample(4, 3).images))


def test_the_floor_may_have_a_reference_of_its_own(sample):
    half, other = sample(30, 3), sample(30, 3)
    judged = Evaluand(
        network=Pixels(), reference=sample(60, 3, seed=1), generated=sample(40, 3), real=half, floor_reference=other
    )
    score = compute(["fd"], judged)["fd_pixels"]
    assert score.floor == pytest.approx(0, abs=1e-6)
    assert np.isfinite(score.value)


def test_a_score_that_has_the_key_of_another_is_refused(make_plugin, evaluand):
    hook = "import zoo_core\n\n@zoo_core.hookimpl\ndef zoo_metrics():\n    yield zoo_core.MetricSpec("
    text = """
from zoo_core.evaluation.intervals import Estimate, Rated
from zoo_core.evaluation.metric import SampleMetric

class Precision(SampleMetric):
    name = "precision"

    def measure(self, sample, evaluand):
        return {"precision_pixels": Rated(Estimate(0.0), "", "lower", 0)}
"""
    make_plugin(
        "other", f'{hook}name="precision", summary="", target="zoo_other.metric:Precision")', modules={"metric": text}
    )
    assert compute(["precision"], evaluand(3))["precision_pixels"].plugin == "zoo-other 1.0"
    with pytest.raises(ZooError, match=r"Metric 'precision' of zoo-other 1.0 gives a score called 'precision_pixels'"):
        compute(["prc", "precision"], evaluand(3))
