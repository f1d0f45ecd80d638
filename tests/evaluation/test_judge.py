"""Held-out images judge a model while it trains, and what follows from it: the best checkpoint, wherever it is used."""

import json
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
import tomli_w

import zoo_core
from zoo_core.data import Dataset, Split, load_dataset
from zoo_core.errors import UsageError
from zoo_core.evaluation.extraction import FeatureStore
from zoo_core.evaluation.frechet import FrechetDistance
from zoo_core.evaluation.images import ArrayImages
from zoo_core.evaluation.judge import MOST, HeldOutScore
from zoo_core.evaluation.metric import Evaluand
from zoo_core.evaluation.protocol import load_protocol
from zoo_core.evaluation.sample import Sample
from zoo_core.features import load_features
from zoo_core.runs import RunFolder
from zoo_core.training import checkpoint
from zoo_core.training.precision import computing_in
from zoo_core.training.selection import Selection

SMALL = {"width": 4, "latent": 4}
TRAINING = {"steps": 60, "batch_size": 16, "log_every": 10, "select_every": 20}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits@8")


class Drawn:
    """In place of a sampler: "generates" images that are there."""

    def __init__(self, images, name="drawn"):
        self.images, self.weights, self.asked = images, {}, []
        self.spec = SimpleNamespace(name=name, conditional=False, translates=False)

    def generate(self, count, seed, labels=None, first=0):
        self.asked.append((count, seed))
        return self.images[first : first + count]


def test_it_is_the_frechet_distance_of_an_evaluation(digits):
    images = digits.images("train")[:144]
    judge = HeldOutScore(Drawn(images), digits, every=7)
    assert (judge.name, judge.every) == ("select/fd_classifier", 7)
    network, store = load_features("auto", digits.spec), FeatureStore(None)
    generated, real = (
        Sample(ArrayImages("x", np.asarray(x)), network, store) for x in (images, digits.images("validation"))
    )
    evaluand = Evaluand(network=network, reference=real, generated=generated)
    assert judge({}) == pytest.approx(FrechetDistance()(evaluand)["fd_classifier"].value, rel=1e-6)


def test_better_images_score_lower_and_the_same_ones_the_same(digits):
    real = np.asarray(digits.images("train")[:144])
    noise = np.random.default_rng(0).integers(0, 256, real.shape, np.uint8)
    blurred = (real // 2 + np.roll(real, 1, axis=2) // 2).astype(np.uint8)
    scores = [HeldOutScore(Drawn(images), digits, 1)({}) for images in (real, blurred, noise)]
    assert scores == sorted(scores)
    assert HeldOutScore(Drawn(real), digits, 1)({}) == scores[0]


def test_as_many_images_as_are_held_out_but_no_more_than_it_takes(digits):
    few = Drawn(digits.images("train"))
    HeldOutScore(few, digits, 1)({})
    assert few.asked == [(len(digits.images("validation")), 1)]
    rng = np.random.default_rng(0)
    many = {name: Split(rng.integers(0, 256, (n, 4, 4, 1), np.uint8), None) for name, n in (("train", 9), ("test", 9))}
    many["validation"] = Split(rng.integers(0, 256, (MOST + 500, 4, 4, 1), np.uint8), None)
    sampler = Drawn(many["validation"].images)
    judge = HeldOutScore(sampler, Dataset("many", many), 1)
    assert judge({}) == pytest.approx(0, abs=0.05)
    assert judge.name == "select/fd_pixels"
    assert sum(count for count, _ in sampler.asked) == MOST


@pytest.mark.parametrize("precision", ["bfloat16", "float64"])
def test_what_the_model_computes_in_does_not_move_the_score(digits, precision):
    images = digits.images("train")[:144]
    expected = HeldOutScore(Drawn(images), digits, 1)({})
    with computing_in(precision):
        assert HeldOutScore(Drawn(images), digits, 1)({}) == pytest.approx(expected, rel=1e-5)


def test_images_that_are_trained_on_choose_nothing(tmp_path):
    with pytest.raises(UsageError, match=r"trains on the images of the validation split.*Leave select_every out"):
        zoo_core.train("vae", "digits@8#train+validation", tmp_path / "run", options=SMALL, training=TRAINING)
    assert not (tmp_path / "run").exists()


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> RunFolder:
    return zoo_core.train("cgan", "digits@8", tmp_path_factory.mktemp("r") / "run", options=SMALL, training=TRAINING)


def test_a_run_logs_its_scores_and_keeps_the_best_weights(run, digits):
    scores = {line["step"]: line["select/fd_classifier"] for line in run.metrics() if "select/fd_classifier" in line}
    assert list(scores) == [20, 40, 60]
    best = min(scores, key=scores.__getitem__)
    assert checkpoint.best_steps_of(run) == [best]
    judged = HeldOutScore(sampler := zoo_core.Sampler.load(run.path, checkpoint="best"), digits, 1)
    assert judged(sampler.weights) == pytest.approx(scores[best], rel=1e-6)


def test_the_features_may_be_chosen(digits):
    drawn = Drawn(digits.images("train")[:144])
    assert HeldOutScore(drawn, digits, 1, "pixels").name == "select/fd_pixels"
    with pytest.raises(UsageError, match="Unknown feature network 'pixles'"):
        HeldOutScore(drawn, digits, 1, "pixles")


def test_a_training_with_features_of_its_own_chooses_by_them(tmp_path):
    asked = TRAINING | {"steps": 2, "select_every": 2, "select_features": "pixels"}
    run = zoo_core.train("vae", "digits@8", tmp_path / "run", options=SMALL, training=asked)
    assert "select/fd_pixels" in run.metrics()[-1]
    with pytest.raises(UsageError, match="select_features is about scores on held-out images: set select_every too"):
        zoo_core.train("vae", "digits@8", tmp_path / "other", training={"select_features": "pixels"})


def test_a_single_held_out_image_can_choose_nothing(digits):
    few = {name: Split(digits.images(name)[:n], None) for name, n in (("train", 9), ("validation", 1), ("test", 2))}
    with pytest.raises(UsageError, match=r"takes two or more of them; the validation split of 'few' has 1"):
        HeldOutScore(Drawn(digits.images("train")), Dataset("few", few), 1)


def test_without_being_asked_there_are_no_scores(tmp_path):
    plain = TRAINING | {"steps": 2, "select_every": 0}
    run = zoo_core.train("vae", "digits@8", tmp_path / "run", options=SMALL, training=plain)
    assert not any(key.startswith("select/") for line in run.metrics() for key in line)
    with pytest.raises(UsageError, match="has no best checkpoint"):
        zoo_core.evaluate(run.path, checkpoint="best")


@pytest.fixture
def worse_in_the_end(run, tmp_path) -> RunFolder:
    """The same run, as if the score at step 40 had been the lowest."""
    copy = RunFolder(shutil.copytree(run.path, tmp_path / "run"))
    lines = [line | {"select/fd_classifier": 0.0} if line["step"] == 40 else line for line in run.metrics()]
    copy.metrics_file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (best,) = checkpoint.best_steps_of(copy)
    checkpoint.best_path_of(copy, best).rename(checkpoint.best_path_of(copy, 40))
    return copy


def test_a_record_says_which_checkpoint_it_is_of(worse_in_the_end):
    final = zoo_core.evaluate(worse_in_the_end.path, metrics=["fd"], count=80).source
    best = zoo_core.evaluate(worse_in_the_end.path, metrics=["fd"], count=80, checkpoint="best").source
    assert (final.checkpoint, final.checkpoint_rule, final.cost.images_seen) == (60, "final", 960)
    assert (best.checkpoint, best.checkpoint_rule, best.cost.images_seen) == (40, "best", 640)
    with pytest.raises(UsageError, match="is not a run, so it has no checkpoints"):
        zoo_core.evaluate("digits@8", "digits@8", checkpoint="best")


def test_a_protocol_may_score_the_best_checkpoint(run, digits, tmp_path):
    content = load_protocol("digits").model_dump(mode="json")
    content |= {"name": "tiny", "features": {"name": "pixels"}}
    content["data"] |= {"source": "digits@8", "content_hash": digits.spec.content_hash}
    content["training"] |= {"steps": 60, "batch_size": 16, "checkpoint": "best", "select_every": 20}
    content["scoring"] |= {"generated": 100, "metrics": ["fd"]}
    path = tmp_path / "tiny.toml"

    def score(**changes):
        path.write_text(tomli_w.dumps(content | {k: content[k] | v for k, v in changes.items()}))
        return zoo_core.evaluate(run.path, protocol=str(path))

    record = score()
    assert record.source.checkpoint_rule == "best"
    assert record.source.checkpoint == Selection(run.metrics(), 0).best[0]
    with pytest.raises(UsageError, match="select_every should be 30, received 20"):
        score(training={"select_every": 30})
    with pytest.raises(UsageError, match="select_every goes with checkpoint 'best'"):
        score(training={"checkpoint": "final"})
    with pytest.raises(UsageError, match="chosen by the validation split"):
        score(data={"fit": "train+validation"})
    score()
    with pytest.raises(UsageError, match="fixes checkpoint"):
        zoo_core.evaluate(run.path, protocol=str(path), checkpoint="final")
    content["training"] = {**content["training"], "checkpoint": "final"}
    del content["training"]["select_every"]  # which is free then
    record = score()
    assert (record.source.checkpoint_rule, record.source.checkpoint) == ("final", 60)
    assert record.other_checkpoint.rule == "best"
