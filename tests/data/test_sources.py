import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo_core.builtin.datasets import DATASETS
from zoo_core.data import SPLITS, Dataset, Split, load_dataset, resize, write_h5
from zoo_core.data.degradation import Degradation
from zoo_core.data.sources import Source, parse_source, resize_dataset, without_splits
from zoo_core.errors import UsageError

BUILTIN = {spec.name: spec for spec in DATASETS}


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("digits", Source("named", "digits", None)),
        ("digits@8", Source("named", "digits", (8, 8))),
        ("cifar10@24x32", Source("named", "cifar10", (24, 32))),
        ("folder:photos", Source("folder", "photos", None)),
        ("folder:a:b@c@64", Source("folder", "a:b@c", (64, 64))),
        ("folder:icons@64/", Source("folder", "icons@64/", None)),
        ("folder:icons@2x", Source("folder", "icons@2x", None)),
        ("h5:/data/set.h5@16x8", Source("h5", "/data/set.h5", (16, 8))),
        ("mnist#train", Source("named", "mnist", None, ("train",))),
        ("cifar10@16#validation+train", Source("named", "cifar10", (16, 16), ("train", "validation"))),
        ("h5:a#b.h5#test", Source("h5", "a#b.h5", None, ("test",))),
        ("folder:icons#train/", Source("folder", "icons#train/")),
        ("folder:icons#2", Source("folder", "icons#2")),
        ("mnist~noise25", Source("named", "mnist", degradation=Degradation("noise", 25))),
        ("mnist@32~blur1.5", Source("named", "mnist", (32, 32), None, Degradation("blur", 1.5))),
        ("h5:a.h5@32~jpeg20#train", Source("h5", "a.h5", (32, 32), ("train",), Degradation("jpeg", 20))),
        ("h5:a.h5~", Source("h5", "a.h5~")),
        ("folder:~/photos", Source("folder", "~/photos")),
        ("folder:icons~old/", Source("folder", "icons~old/")),
        ("folder:PHOTOS~1", Source("folder", "PHOTOS~1")),
    ],
)
def test_parse(text, source):
    assert parse_source(text) == source


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("digit", "Did you mean 'digits'"),
        ("zzz", "There are: digits.*folder:PATH"),
        ("", "Unknown data set"),
        ("folder:", "A path should follow 'folder:'"),
        ("h5:@64", "A path should follow 'h5:'"),
        ("digits@0", "between 1 and 4096"),
        ("digits@16x5000", "between 1 and 4096"),
        ("digits@" + "9" * 5000, "between 1 and 4096"),
        ("digits#trian", "Unknown split 'trian'.*Did you mean 'train'"),
        ("folder:photos#old", "Unknown split 'old'.*needs a / after it"),
        ("digits#train+train", "named once"),
        ("digits#train+", "Unknown split ''"),
        ("digits#train@8", "Did you mean 'digits'"),
        ("digits~nois25", "Unknown degradation 'nois'.*Did you mean 'noise'"),
        ("folder:icons~old", "Unknown degradation 'old'.*needs a / after it"),
        ("digits~mask", "received none"),
        ("digits~mask20@8", "Unknown data set 'digits~mask20'"),
    ],
)
def test_refused(text, message):
    with pytest.raises(UsageError, match=message):
        parse_source(text)


def test_a_bare_path_is_told_how_to_be_written(tmp_path):
    with pytest.raises(UsageError, match="write folder:"):
        parse_source(f"{tmp_path}@64")


@given(st.text())
def test_any_text_parses_or_is_refused(text):
    try:
        source = parse_source(text)
    except UsageError:
        return
    assert source.target in BUILTIN or source.kind != "named"


@given(
    kind=st.sampled_from(["folder", "h5"]),
    path=st.text(min_size=1).filter(lambda path: not set("@#~") & set(path)),
    height=st.integers(1, 4096),
    width=st.integers(1, 4096),
    splits=st.lists(st.sampled_from(SPLITS), min_size=1, unique=True),
)
def test_kind_path_size_and_splits_come_back(kind, path, height, width, splits):
    assert parse_source(f"{kind}:{path}") == Source(kind, path)
    assert parse_source(f"{kind}:{path}@{height}x{width}") == Source(kind, path, (height, width))
    named, sorted_splits = "+".join(splits), tuple(split for split in SPLITS if split in splits)
    assert parse_source(f"{kind}:{path}#{named}") == Source(kind, path, None, sorted_splits)
    assert parse_source(f"{kind}:{path}@{height}#{named}") == Source(kind, path, (height, height), sorted_splits)
    noisy = Source(kind, path, (height, height), sorted_splits, Degradation("noise", 25))
    assert parse_source(f"{kind}:{path}@{height}~noise25#{named}") == noisy
    assert without_splits(f"{kind}:{path}@{height}~noise25#{named}") == f"{kind}:{path}@{height}~noise25"
    assert without_splits(f"{kind}:{path}@{height}#{named}") == f"{kind}:{path}@{height}"


@pytest.mark.parametrize("source", ["digits@8#train+validation", "h5:{path}#train+validation"])
def test_named_splits_together_are_trained_on(source, tmp_path):
    whole = load_dataset("digits@8")
    write_h5(whole, tmp_path / "digits.h5", {})
    source = source.format(path=tmp_path / "digits.h5")
    joined = load_dataset(source)
    assert joined.spec.name == source
    assert joined.spec.splits == {"train": 1438, "validation": 144, "test": 359}
    assert joined.spec.classes == whole.spec.classes
    for read in (Dataset.images, Dataset.labels):
        both = np.concatenate([read(whole, "train"), read(whole, "validation")])
        assert np.array_equal(read(joined, "train"), both)
        assert np.array_equal(read(joined, "test"), read(whole, "test"))
    assert joined.spec.content_hash != whole.spec.content_hash
    joined.verify()


def test_validation_alone_may_be_trained_on_and_train_is_what_it_is_anyway():
    whole = load_dataset("digits@8")
    assert np.array_equal(load_dataset("digits@8#validation").images("train"), whole.images("validation"))
    assert load_dataset("digits@8#train").spec.content_hash == whole.spec.content_hash


def test_named_splits_of_a_set_without_labels(tmp_path):
    for number in range(10):
        Image.new("L", (2, 2), number).save(tmp_path / f"{number}.png")
    joined = load_dataset(f"folder:{tmp_path}#train+validation")
    assert joined.labels("train") is None
    assert joined.spec.splits == {"train": 8, "validation": 1, "test": 2}


@pytest.mark.parametrize("splits", ["test", "train+test", "train+validation+test"])
def test_the_test_split_is_not_to_train_on(splits):
    with pytest.raises(UsageError, match=r"would train on the test split.*cifar10#train\+validation"):
        load_dataset(f"digits#{splits}")


def test_a_size_resizes_built_in_and_prepared_sets(tmp_path):
    native = load_dataset("digits@8")
    small = load_dataset("digits@4x6")
    assert small.spec.image_shape == (4, 6, 1)
    assert np.array_equal(small.images("test"), resize(native.images("test"), (4, 6)))
    assert np.array_equal(small.labels("test"), native.labels("test"))
    write_h5(native, tmp_path / "digits.h5", {})
    from_file = load_dataset(f"h5:{tmp_path}/digits.h5@4x6")
    assert from_file.spec.content_hash == small.spec.content_hash
    from_file.verify()


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_h5(load_dataset("digits@8"), tmp_path / "digits.h5", {})
    assert load_dataset("h5:~/digits.h5").spec.name == "h5:~/digits.h5"


@pytest.mark.parametrize("channels", [1, 3])
def test_resize_is_lanczos_for_each_channel(channels):
    images = np.random.default_rng(0).integers(0, 256, (2, 9, 12, channels)).astype(np.uint8)
    resized = resize(images, (5, 7))
    assert resized.shape == (2, 5, 7, channels)
    for channel in range(channels):
        expected = Image.fromarray(images[1, ..., channel]).resize((7, 5), Image.Resampling.LANCZOS)
        assert np.array_equal(resized[1, ..., channel], np.asarray(expected))


def test_resize_to_the_same_size_changes_nothing():
    images = np.random.default_rng(0).integers(0, 256, (2, 9, 12, 3)).astype(np.uint8)
    assert resize(images, (9, 12)) is images


def pairs() -> Dataset:
    """12 train, 3 validation and 2 test images of 4x4, and inputs of 2x2 in colour."""
    rng = np.random.default_rng(0)
    counts = dict(zip(SPLITS, (12, 3, 2), strict=True))
    splits = {split: Split(rng.integers(0, 256, (n, 4, 4, 1), np.uint8), None) for split, n in counts.items()}
    inputs = {split: rng.integers(0, 256, (n, 2, 2, 3), np.uint8) for split, n in counts.items()}
    return Dataset("pairs", splits, inputs=inputs)


def test_a_degradation_makes_inputs_of_the_images():
    clean, noisy = load_dataset("digits@8"), load_dataset("digits@8~noise25")
    assert noisy.spec.name == "digits@8~noise25"
    assert noisy.spec.fields["inputs"] == ((8, 8, 1), "float32")
    assert np.array_equal(noisy.images("test"), clean.images("test"))
    inputs = noisy.inputs("test")[:]
    assert inputs.shape == (359, 8, 8, 1)
    assert np.array_equal(load_dataset("digits@8~noise25").inputs("test")[5:9], inputs[5:9])
    assert load_dataset("digits~downscale2").spec.fields["inputs"].shape == (8, 8, 1)
    hashes = {load_dataset(f"digits@8{suffix}").spec.content_hash for suffix in ("", "~noise25", "~noise20", "~blur1")}
    assert len(hashes) == 4
    assert load_dataset("digits@8~noise25.0").spec.content_hash == noisy.spec.content_hash


def test_a_degradation_that_does_not_fit_is_refused_at_once():
    with pytest.raises(UsageError, match="8x8 can't be downscaled by 3"):
        load_dataset("digits@8~downscale3")


def test_named_splits_are_degraded_as_well():
    joined = load_dataset("digits@8~mask25#train+validation")
    assert len(joined.inputs("train")) == joined.spec.splits["train"] == 1438
    assert joined.spec.name == "digits@8~mask25#train+validation"


def test_a_prepared_file_is_degraded_and_still_verified(tmp_path):
    write_h5(load_dataset("digits@8"), tmp_path / "digits.h5", {})
    noisy = load_dataset(f"h5:{tmp_path}/digits.h5~noise25")
    assert isinstance(noisy.images("train"), np.memmap)
    noisy.verify()
    clean = load_dataset(f"h5:{tmp_path}/digits.h5").spec
    assert noisy.spec.content_hash != clean.content_hash
    assert noisy.spec.means == clean.means


def test_pairs_in_a_file_may_be_named_with_their_own_size(tmp_path):
    write_h5(pairs(), tmp_path / "pairs.h5", {})
    plain, named = (load_dataset(f"h5:{tmp_path / 'pairs.h5'}{size}") for size in ("", "@4"))
    assert named.spec.content_hash == plain.spec.content_hash
    assert np.array_equal(named.inputs("train")[:], plain.inputs("train")[:])


def test_pairs_are_neither_degraded_nor_resized():
    with pytest.raises(UsageError, match="'pairs' has inputs of its own"):
        pairs().degraded(Degradation("noise", 25))
    with pytest.raises(UsageError, match="'pairs' belong to inputs"):
        resize_dataset(pairs(), (2, 2))
