"""Whole evaluations: what may stand on either side, floors, protocols."""

import hashlib
import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
import tomli_w
from PIL import Image

import zoo_core
from zoo_core.data import load_dataset, write_h5
from zoo_core.errors import UsageError, ZooError
from zoo_core.evaluation.protocol import load_protocol

SMALL = {"width": 2, "latent": 2}
TRAINING = {"steps": 3, "batch_size": 4}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return {
        m: zoo_core.train(m, "digits@8", folder / m, options=SMALL, training=TRAINING).path for m in ("cgan", "vae")
    }


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits@8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, digits):
    """The first 100 test images as PNG files, all in one folder."""
    path = tmp_path_factory.mktemp("images")
    for number, image in enumerate(digits.images("test")[:100]):
        Image.fromarray(image[..., 0]).save(path / f"{number:03d}.png")
    return path


def score(evaluated, against=None, metric="fd", **settings):
    record = zoo_core.evaluate(str(evaluated), against, **({"metrics": [metric], "features": "pixels"} | settings))
    return next(iter(record.metrics.values()))


def test_an_evaluation_leaves_what_a_report_shows(runs):
    for model, names in {
        "cgan": {"samples.png", "walk.png", "neighbours.png"},
        "vae": {"samples.png", "walk.png", "neighbours.png", "reconstructions.png"},
    }.items():
        metrics = ["fd", "memorization", *(["psnr"] if model == "vae" else [])]
        record = zoo_core.evaluate(runs[model], features="pixels", metrics=metrics, count=100)
        exhibits = runs[model] / "exhibits"
        assert {path.name for path in exhibits.iterdir()} == names
        with Image.open(exhibits / "samples.png") as sheet:
            assert sheet.size == (10 * 10 + 2, (10 if model == "cgan" else 8) * 10 + 2)  # 8 pixels and 2 between
        assert record.sampling is not None
        assert record.sampling.images_per_second > 0
        assert record.sampling.batch == 100
        assert 0 < record.sampling.variety < 2
        assert record.other_checkpoint is None


def test_of_a_model_that_makes_images_from_inputs_a_report_shows_where_they_agree(doubling_run):
    zoo_core.evaluate(doubling_run, features="pixels", metrics=["fd"])
    (sheet,) = (doubling_run / "exhibits").iterdir()
    assert sheet.name == "reconstructions.png"
    with Image.open(sheet) as image:
        assert image.size == (10 * 10 + 2, 3 * 10 + 2)  # originals, outputs, and the SSIM between them


@pytest.mark.slow
def test_a_run_that_was_scored_while_it_trained_has_both_checkpoints_in_its_record(tmp_path):
    training = {"steps": 4, "batch_size": 4, "select_every": 1, "checkpoint_every": 2}
    run = zoo_core.train("vae", "digits@8", tmp_path / "run", options=SMALL, training=training).path
    settings = {"features": "pixels", "metrics": ["fd"], "count": 80}
    final = zoo_core.evaluate(run, **settings)
    best = zoo_core.evaluate(run, **settings, checkpoint="best")
    assert (final.other_checkpoint.rule, best.other_checkpoint.rule) == ("best", "final")
    assert final.other_checkpoint.checkpoint == best.source.checkpoint
    assert best.other_checkpoint.checkpoint == final.source.checkpoint == 4
    assert final.other_checkpoint.metrics == best.metrics
    assert best.other_checkpoint.metrics == final.metrics


def test_a_best_checkpoint_that_is_gone_takes_nothing_from_the_final_one(tmp_path):
    training = {"steps": 2, "batch_size": 4, "select_every": 1}
    run = zoo_core.train("vae", "digits@8", tmp_path / "run", options=SMALL, training=training).path
    for path in (run / "checkpoints").glob("best-*.h5"):
        path.unlink()
    settings = {"features": "pixels", "metrics": ["prc"], "count": 50}
    record = zoo_core.evaluate(run, **settings)
    assert record.metrics
    assert record.other_checkpoint is None
    with pytest.raises(ZooError, match=r"best-\d+\.h5' is missing: its weights, of step"):
        zoo_core.evaluate(run, **settings, checkpoint="best")


def test_training_images_score_what_training_images_score():
    found = score("digits@8#train", "digits@8")
    assert found.n_generated == found.n_floor == 1294
    assert found.n_reference == 359
    assert found.value == found.floor


def test_where_the_reference_is_the_training_set_the_floor_is_the_test_set_s():
    found = score("digits@8#test", "digits@8#train+validation")
    assert (found.n_generated, found.n_reference, found.n_floor) == (359, 1438, 359)
    assert found.value == found.floor


def test_a_set_is_at_no_distance_from_itself(folder):
    assert abs(score(folder, str(folder)).value) < 1e-3


def test_a_folder_an_npz_file_and_a_prepared_file_hold_the_same_images(folder, digits, tmp_path):
    images = digits.images("test")[:100]
    np.savez(tmp_path / "images.npz", images=images)
    from_folder = score(folder, "digits@8")
    assert from_folder.n_generated == 100
    assert score(tmp_path / "images.npz", "digits@8") == from_folder
    write_h5(digits, tmp_path / "all.h5", {})
    assert score(tmp_path / "all.h5", "digits@8").n_generated == 1797
    assert score(f"h5:{tmp_path / 'all.h5'}#test", "digits@8").value == score("digits@8#test", "digits@8").value


def test_the_floor_of_a_bare_file_is_of_as_many_images_of_it_as_were_generated(tmp_path):
    """Else even a perfect model lies above it, since the bias of a Fréchet distance is that of the fewer images."""
    draws = np.random.default_rng(0).integers(0, 256, (2200, 4, 4, 1)).astype(np.uint8)
    np.savez(tmp_path / "real.npz", images=draws[200:])
    np.savez(tmp_path / "generated.npz", images=draws[:200])
    found = score(tmp_path / "generated.npz", str(tmp_path / "real.npz"), features="pixels", metrics=["fd"])
    assert (found.n_generated, found.n_reference) == (200, 2000)
    assert (found.n_floor, found.n_floor_reference) == (200, 1800)
    assert 0.5 < found.value / found.floor < 2


def test_that_is_at_most_half_of_it(folder):
    found = score("digits@8#train", str(folder))
    assert (found.n_reference, found.n_floor, found.n_floor_reference) == (100, 50, 50)
    assert found.floor > 0


def test_too_few_images_for_a_floor_take_nothing_from_the_score(folder, digits, tmp_path):
    np.savez(tmp_path / "few.npz", images=digits.images("test")[:6])
    found = zoo_core.evaluate(folder, tmp_path / "few.npz", features="pixels", metrics=["prc"]).metrics
    assert {(one.n_reference, one.floor, one.n_floor) for one in found.values()} == {(6, None, None)}


def test_a_run_may_stand_on_either_side(runs):
    assert score(runs["vae"], "digits@8", count=90).value == pytest.approx(
        score("digits@8", str(runs["vae"]), count=90).value
    )


def test_gray_beside_colour_becomes_colour(folder, digits, tmp_path):
    np.savez(tmp_path / "colour.npz", images=np.repeat(digits.images("test")[:100], 3, axis=3))
    assert score(folder, str(tmp_path / "colour.npz"), metric="prc").value == 1
    assert zoo_core.evaluate(tmp_path / "colour.npz", "digits@8", features="pixels", metrics=["prc"]).data.shape == (
        8,
        8,
        3,
    )
    found = score(tmp_path / "colour.npz", "digits@8", features="classifier", weights=None)
    assert found.value == pytest.approx(score(folder, "digits@8", features="classifier").value, rel=1e-6)


def test_other_sizes_are_refused(folder):
    with pytest.raises(UsageError, match=r"has images of 8x8x1, the reference of 16x16x1"):
        score(folder, "digits")


def test_an_interval_lies_around_each_score_of_a_run(runs):
    record = zoo_core.evaluate(runs["cgan"], features="classifier", count=200)
    names = ("fd", "precision", "recall", "memorization", "class_accuracy")
    assert set(record.metrics) == {f"{name}_classifier" for name in names}
    for key, found in record.metrics.items():
        assert found.interval is not None, key
        low, high = found.interval
        assert low <= found.value <= high, key
        assert found.floor is not None, key


def test_pairs_and_likelihoods_of_a_run(runs):
    record = zoo_core.evaluate(runs["vae"], metrics=["psnr", "likelihood"])
    assert record.metrics["psnr"].n_generated == 359
    assert len(record.metrics) == 2


def test_what_a_folder_can_not_have(folder):
    with pytest.raises(UsageError, match="needs reconstructions"):
        score(folder, "digits@8", metric="ssim")


def test_a_broken_image_is_named_or_left_out_and_listed(folder, tmp_path):
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes((folder / f"{number:03d}.png").read_bytes())
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(zoo_core.ZooError, match=r"empty\.png"):
        zoo_core.evaluate(tmp_path, "digits@8", features="pixels", metrics=["prc"])
    record = zoo_core.evaluate(tmp_path, "digits@8", features="pixels", metrics=["dc"], skip_bad=True)
    assert len(record.skipped) == 1
    assert "empty.png" in record.skipped[0]
    assert all(found.n_generated == 3 for found in record.metrics.values())


@pytest.mark.parametrize("alone", ["judged", "reference"])
def test_a_single_image_is_told_where_it_is(alone, folder, tmp_path):
    np.savez(tmp_path / "one.npz", images=np.zeros((1, 8, 8), np.uint8))
    sides = (str(tmp_path / "one.npz"), str(folder))
    with pytest.raises(UsageError, match=r"one\.npz' has 1 image, and a covariance takes 2 or more"):
        score(*(sides if alone == "judged" else reversed(sides)))


def test_two_files_of_labelled_images_are_compared_class_by_class(tmp_path, digits):
    images, labels = digits.images("test"), digits.labels("test")
    np.savez(tmp_path / "one.npz", images=images[::2], labels=labels[::2])
    np.savez(tmp_path / "other.npz", images=images[1::2], labels=labels[1::2])
    with pytest.warns(UserWarning, match="10 of 10 classes"):
        unnamed = score(tmp_path / "one.npz", str(tmp_path / "other.npz"), metric="intra_fd")
    assert 0 < unnamed.value < 50
    np.savez(tmp_path / "mixed.npz", images=images[::2], labels=np.roll(labels[::2], 1))
    with pytest.warns(UserWarning, match="10 of 10 classes"):
        mixed = score(tmp_path / "mixed.npz", str(tmp_path / "other.npz"), metric="intra_fd")
    assert mixed.value > 2 * unnamed.value


@pytest.fixture
def protocol(tmp_path, digits) -> Path:
    """A small protocol of one's own."""
    content = load_protocol("digits").model_dump(mode="json")
    content |= {"name": "tiny", "features": {"name": "pixels"}}
    content["data"] |= {"source": "digits@8", "content_hash": digits.spec.content_hash}
    content["training"] |= {"steps": 3, "batch_size": 4, "seeds": [0, 1]}
    content["scoring"] |= {"generated": 100, "metrics": ["fd", "psnr"]}
    path = tmp_path / "tiny.toml"
    path.write_text(tomli_w.dumps(content), encoding="utf-8")
    return path


def test_a_run_by_the_rules_is_scored_by_them_and_says_so(runs, protocol):
    record = zoo_core.evaluate(runs["vae"], protocol=str(protocol))
    assert str(record.protocol) == "tiny v1"
    assert record.metrics["fd_pixels"].n_generated == 100
    assert set(record.metrics) == {"fd_pixels", "psnr"}
    assert zoo_core.Record.model_validate_json(record.model_dump_json()) == record
    assert set(zoo_core.evaluate(runs["cgan"], protocol=str(protocol)).metrics) == {"fd_pixels"}


def test_images_from_elsewhere_are_scored_by_a_protocol_if_they_are_as_many(folder, protocol, tmp_path, digits):
    record = zoo_core.evaluate(folder, protocol=str(protocol))
    assert record.source is None
    assert str(record.protocol) == "tiny v1"
    np.savez(tmp_path / "few.npz", images=digits.images("test")[:99])
    with pytest.raises(UsageError, match="demands 100 generated images, received 99"):
        zoo_core.evaluate(tmp_path / "few.npz", protocol=str(protocol))


def test_what_breaks_the_protocol_is_refused(tmp_path, protocol, runs):
    longer = zoo_core.train("vae", "digits@8", tmp_path / "longer", options=SMALL, training=TRAINING | {"steps": 4})
    with pytest.raises(UsageError, match="steps should be 3, received 4"):
        zoo_core.evaluate(longer.path, protocol=str(protocol))
    with pytest.raises(UsageError, match="fixes count"):
        zoo_core.evaluate(runs["vae"], protocol=str(protocol), count=7)
    path = tmp_path / "other.toml"
    path.write_text(protocol.read_text().replace("pixels", "classifier:digits"), encoding="utf-8")
    weights = Path(zoo_core.__file__).parent / "features" / "weights" / "classifier-mnist.h5"
    with pytest.raises(UsageError, match="demands the features 'classifier:digits'"):
        zoo_core.evaluate(runs["vae"], protocol=str(path), weights=weights)


def test_a_classifier_of_one_s_own_may_be_a_protocol_s(runs, protocol, tmp_path):
    weights = Path(zoo_core.__file__).parent / "features" / "weights" / "classifier-mnist.h5"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    own = tomllib.loads(protocol.read_text(encoding="utf-8"))
    own["features"] = {"name": f"classifier@{digest[:8]}", "weights_sha256": digest}
    path = tmp_path / "own.toml"
    path.write_text(tomli_w.dumps(own), encoding="utf-8")
    record = zoo_core.evaluate(runs["cgan"], protocol=str(path), weights=weights)
    assert set(record.metrics) == {f"fd_classifier@{digest[:8]}"}


def test_images_from_elsewhere_are_compared_with_the_protocol_s_own_alone(folder, protocol, tmp_path):
    other = tomllib.loads(protocol.read_text(encoding="utf-8"))
    other["data"]["content_hash"] = "0" * 64
    path = tmp_path / "other.toml"
    path.write_text(tomli_w.dumps(other), encoding="utf-8")
    with pytest.raises(UsageError, match="demands the data set 'digits@8' with the content hash 0000"):
        zoo_core.evaluate(folder, protocol=str(path))


@pytest.mark.slow
def test_a_comparison_by_a_protocol(tmp_path, protocol):
    comparison = zoo_core.compare(["vae"], [], tmp_path / "out", protocol=str(protocol), options={"vae": SMALL})
    (table,) = comparison.tables()
    assert str(table.protocol) == "tiny v1"
    assert table.summaries[0].seeds == [0, 1]
    assert json.loads(comparison.model_dump_json())["records"][0]["protocol"]["name"] == "tiny"
