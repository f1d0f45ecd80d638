import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from zoo_core.data import BUILTIN, load_dataset, resize, write_h5
from zoo_core.data.sources import Source, parse_source
from zoo_core.errors import UsageError


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ("digits", Source("builtin", "digits", None)),
        ("digits@8", Source("builtin", "digits", (8, 8))),
        ("cifar10@24x32", Source("builtin", "cifar10", (24, 32))),
        ("folder:photos", Source("folder", "photos", None)),
        ("folder:a:b@c@64", Source("folder", "a:b@c", (64, 64))),
        ("folder:icons@64/", Source("folder", "icons@64/", None)),
        ("folder:icons@2x", Source("folder", "icons@2x", None)),
        ("h5:/data/set.h5@16x8", Source("h5", "/data/set.h5", (16, 8))),
    ],
)
def test_parse(text, source):
    assert parse_source(text) == source


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("digit", "Did you mean 'digits'"),
        ("zzz", "Built in: digits.*folder:PATH"),
        ("", "Unknown data set"),
        ("folder:", "A path should follow 'folder:'"),
        ("h5:@64", "A path should follow 'h5:'"),
        ("digits@0", "between 1 and 4096"),
        ("digits@16x5000", "between 1 and 4096"),
        ("digits@" + "9" * 5000, "between 1 and 4096"),
    ],
)
def test_refused(text, message):
    with pytest.raises(UsageError, match=message):
        parse_source(text)


def test_a_bare_path_is_told_how_to_be_written(tmp_path):
    with pytest.raises(UsageError, match="write folder:"):
        parse_source(f"{tmp_path}@64")


@given(st.text())
@settings(deadline=None)
def test_any_text_parses_or_is_refused(text):
    try:
        source = parse_source(text)
    except UsageError:
        return
    assert source.target in BUILTIN or source.kind != "builtin"


@given(
    kind=st.sampled_from(["folder", "h5"]),
    path=st.text(min_size=1).filter(lambda path: "@" not in path),
    height=st.integers(1, 4096),
    width=st.integers(1, 4096),
)
@settings(deadline=None)
def test_kind_path_and_size_come_back(kind, path, height, width):
    assert parse_source(f"{kind}:{path}") == (kind, path, None)
    assert parse_source(f"{kind}:{path}@{height}x{width}") == (kind, path, (height, width))
    assert parse_source(f"{kind}:{path}@{height}") == (kind, path, (height, height))


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
