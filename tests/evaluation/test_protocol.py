import re
import tomllib
from contextlib import nullcontext

import pytest
import tomli_w
from pydantic import ValidationError

from zoo_core.data import load_dataset
from zoo_core.errors import UsageError
from zoo_core.evaluation.protocol import (
    Protocol,
    TrainingRule,
    differences,
    load_protocol,
    protocol_names,
    refuse_beside,
)
from zoo_core.features import Pixels, load_features
from zoo_core.registry import registry
from zoo_core.training.options import TrainingOptions

DIGITS = load_protocol("digits")


def trained(**chosen):
    """The training options of a run, as its record has them."""
    return TrainingOptions(**chosen).model_dump(mode="json")


@pytest.fixture
def changed(tmp_path):
    """`changed(training={"steps": 10})` is a file with the protocol `digits` but for these fields of its tables."""

    def make(**tables):
        content = DIGITS.model_dump(mode="json", exclude_none=True)
        for name, fields in tables.items():
            content[name] = content[name] | fields if isinstance(fields, dict) else fields
        path = tmp_path / "own.toml"
        path.write_text(tomli_w.dumps(content), encoding="utf-8")
        return path

    return make


@pytest.mark.parametrize("name", protocol_names())
def test_every_protocol_of_the_package_can_be_loaded_and_measured(name):
    protocol = load_protocol(name)
    assert protocol.name == name
    assert set(protocol.scoring.metrics) <= set(registry().metrics)
    restores = "~" in protocol.data.source  # as many images as there are inputs
    assert protocol.scoring.generated == protocol.data.real if restores else protocol.scoring.generated >= 1000


def test_there_are_the_protocols_that_the_documentation_names():
    cifar10 = ["cifar10-10k-test", "cifar10-50k-train"]
    assert protocol_names() == [*cifar10, "digits", "digits-noise25", "fashion-mnist", "mnist"]


def test_the_digits_protocol_fits_the_data_and_the_classifier_that_are_there():
    data = load_dataset(DIGITS.data.fitted)
    DIGITS.check_data(data.spec)
    DIGITS.check_network(load_features("classifier", data.spec))
    assert len(data.images(DIGITS.data.reference)) == DIGITS.data.real
    assert len(data.images("train")) == DIGITS.scoring.generated


@pytest.mark.shared_data
def test_the_mnist_protocol_fits_the_real_data(shared_data):
    protocol = load_protocol("mnist")
    data = load_dataset(protocol.data.fitted, shared_data)
    protocol.check_data(data.spec)
    protocol.check_network(load_features("classifier", data.spec))
    assert len(data.images(protocol.data.reference)) == protocol.data.real


@pytest.mark.parametrize("name", ["fashion-mnist", "mnist", "digits"])
def test_a_shipped_classifier_is_the_one_that_the_protocol_pins(name):
    protocol = load_protocol(name)
    spec = load_dataset("digits").spec
    from dataclasses import replace

    protocol.check_network(load_features("classifier", replace(spec, name=protocol.data.source)))


def test_cifar10_is_fitted_to_all_training_images_and_compared_as_the_literature_does():
    train, test = load_protocol("cifar10-50k-train"), load_protocol("cifar10-10k-test")
    assert train.data.fitted == test.data.fitted == "cifar10#train+validation"
    assert (train.data.compared, train.data.real) == ("cifar10#train+validation", 50_000)
    assert (test.data.compared, test.data.real) == ("cifar10#test", 10_000)


def test_what_show_prints_is_a_protocol_again(changed):
    assert load_protocol(str(changed())) == DIGITS
    assert load_protocol(str(changed())).sha256 == DIGITS.sha256


def test_any_difference_makes_another_protocol_and_is_named(changed):
    other = load_protocol(str(changed(training={"steps": 4000}, version=2)))
    assert other.sha256 != DIGITS.sha256
    assert differences(DIGITS, other) == ["protocol.version: 1, 2", "protocol.training.steps: 2000, 4000"]
    assert differences(DIGITS, None) == ["protocol: digits v1, none"]
    assert differences(DIGITS, DIGITS) == differences(None, None) == []


def test_other_features_are_refused():
    with pytest.raises(UsageError, match=r"demands the features 'classifier:digits' with weights.*received 'pixels'"):
        DIGITS.check_network(Pixels())


def test_other_images_are_refused():
    with pytest.raises(UsageError, match="demands the data set 'digits' with the content hash 30b1"):
        DIGITS.check_data(load_dataset("digits@8").spec)


@pytest.mark.parametrize(
    ("seed", "steps", "checkpoint", "message"),
    [
        (7, 2000, 2000, "seed should be one of 0, 1, 2, received 7"),
        (0, 1000, 1000, "steps should be 2000, received 1000; checkpoint should be 2000, received 1000"),
        (0, 2000, 1500, "checkpoint should be 2000, received 1500"),
    ],
)
def test_a_run_that_was_made_otherwise_is_refused(seed, steps, checkpoint, message):
    spec = load_dataset("digits").spec
    with pytest.raises(UsageError, match=message):
        DIGITS.check_training(spec, trained(steps=steps), seed, checkpoint)


@pytest.mark.parametrize("free", [{}, {"log_every": 7, "checkpoint_every": 9, "select_every": 9, "sample_every": 0}])
def test_a_run_by_the_rules_is_accepted_whatever_books_it_kept(free):
    DIGITS.check_training(load_dataset("digits").spec, trained(**free), 1, 2000)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"ema": 0.9}, "ema should be 0.999, received 0.9"),
        ({"precision": "bfloat16"}, "precision should be float32, received bfloat16"),
        ({"schedule": "cosine", "warmup": 10}, "schedule should be constant, received cosine; warmup should be 0"),
        ({"clip_norm": 1.0}, "clip_norm should be 0.0"),
        ({"accumulate": 2}, "accumulate should be 1"),
        ({"augment": ("color",)}, r"augment should be \[\], received \['color'\]"),
        ({"patience": 5, "select_every": 9}, "patience should be 0, received 5"),
    ],
)
def test_what_moves_results_is_fixed_though_no_protocol_names_it(chosen, message):
    with pytest.raises(UsageError, match=message):
        DIGITS.check_training(load_dataset("digits").spec, trained(**chosen), 1, 2000)


def test_what_a_protocol_fixes_is_what_training_takes():
    fixed = DIGITS.training.options
    assert {"steps", "batch_size", "precision", "ema", "augment"} <= fixed.keys()
    assert TrainingOptions(**fixed) == TrainingOptions(steps=2000, batch_size=64)
    asked = ["log_every", "select_every", "batch_size", "seconds", "ema"]
    assert list(DIGITS.training.fixed(asked)) == ["batch_size", "seconds", "ema"]
    best = DIGITS.training.model_copy(update={"checkpoint": "best", "select_every": 500})
    assert "select_every" in best.fixed(asked)
    assert best.options["select_features"] == "auto"
    assert "select_features" not in DIGITS.training.options


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        (
            {"scoring": {"metrics": ["fd", "memorisation"]}},
            "Unknown metric 'memorisation'. Did you mean 'memoriz",
        ),
        ({"features": {"name": "classifer:digits"}}, "Unknown feature network 'classifer'. Did you mean 'classif"),
    ],
)
def test_what_can_not_be_measured_is_told_before_anything_is_trained(changed, tables, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        load_protocol(str(changed(**tables)))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"data": {"fit": "trian"}}, "data.fit='trian'"),
        ({"scoring": {"generated": 1}}, "scoring.generated=1: input should be greater than or equal to 2"),
        ({"features": {"weights_sha256": "12"}}, "features.weights_sha256"),
        ({"training": {"checkpoint": "luckiest"}}, "training.checkpoint='luckiest'"),
        ({"training": {"stesp": 3}}, "training.stesp"),
    ],
)
def test_a_file_that_breaks_the_schema_says_where(changed, tables, message):
    with pytest.raises(UsageError, match=message):
        load_protocol(str(changed(**tables)))


def test_an_unknown_protocol_gets_the_nearest_name():
    with pytest.raises(UsageError, match="Did you mean 'digits'"):
        load_protocol("digit")


def test_a_missing_file_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="Can't read"):
        load_protocol(str(tmp_path / "none.toml"))


def test_what_the_protocol_fixes_can_not_be_given_too():
    with pytest.raises(UsageError, match="fixes seeds, count"):
        refuse_beside(DIGITS, seeds=3, count=5, metrics=None, training={})
    refuse_beside(DIGITS, seeds=None, data=())


def test_a_protocol_is_plain_toml():
    assert Protocol(**tomllib.loads(tomli_w.dumps(DIGITS.model_dump(mode="json")))) == DIGITS


@pytest.mark.parametrize("budget", [{}, {"steps": 9, "images": 9}, {"images": 9, "seconds": 9.0}])
def test_a_training_has_one_budget(budget):
    rule = DIGITS.training.model_dump(exclude={"steps"})
    with pytest.raises(ValidationError, match="ends by one of steps, images and seconds"):
        TrainingRule(**rule, **budget)


@pytest.mark.parametrize(
    ("budget", "steps", "last", "message"),
    [
        ({"images": 640}, 10, 10, ""),
        ({"images": 640}, 10, 9, "checkpoint should be 10, received 9"),
        ({"images": 64}, 10, 10, "images should be 64, received 640"),
        ({"seconds": 5.0}, 99, 10, ""),
        ({"seconds": 7.0}, 99, 10, "seconds should be 7.0, received 5.0; seconds trained should be 7.0, received 6.0"),
    ],
)
def test_budgets_of_images_and_seconds_are_kept(budget, steps, last, message):
    training = TrainingRule(**DIGITS.training.model_dump(exclude={"steps"}), **budget)
    protocol = DIGITS.model_copy(update={"training": training})
    options = trained(steps=steps, images=640, seconds=5.0)
    with pytest.raises(UsageError, match=message) if message else nullcontext():
        protocol.check_training(load_dataset("digits").spec, options, 1, last, seconds=6.0)
