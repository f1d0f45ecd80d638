import multiprocessing
import shutil
import time
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zoo_core.errors import ZooError
from zoo_core.evaluation import extraction
from zoo_core.evaluation.extraction import FeatureArray, FeatureStore, user_cache
from zoo_core.evaluation.images import ArrayImages, Images
from zoo_core.features import FeatureNetwork


class Counting(FeatureNetwork):
    """The first pixels of an image, and how many images it was asked for."""

    def __init__(self, name="counting", weights_sha256="ab" * 32, runtime="numpy", dimension=5):
        self.name, self.weights_sha256, self.runtime = name, weights_sha256, runtime
        self.seen, self._dimension = 0, dimension

    def features(self, images):
        self.seen += len(images)
        return images.reshape(len(images), -1)[:, : self._dimension].astype(np.float32) / 7


class Many(Images):
    """`count` images that are made when they are read."""

    name, shape, labels, classes = "many", (2, 2, 1), None, ()

    def __init__(self, count, content_hash=None):
        self._count, self.content_hash = count, content_hash

    def __len__(self):
        return self._count

    def pick(self, numbers):
        return (numbers[:, None, None, None] + np.arange(4).reshape(2, 2, 1)).astype(np.uint8)


@pytest.fixture
def stored(images):
    """`stored(count)` are images that have a content hash."""
    return lambda count=10, content_hash="c0": ArrayImages("ten", images(count, 4), content_hash=content_hash)


def extract(network, images, cache):
    return extract_all(network, [images], cache)[0]


def extract_all(network, sets, cache):
    with FeatureStore(cache) as store:
        return [store.extract(network, images) for images in sets]


@pytest.mark.parametrize("content_hash", ["c0", None])
@pytest.mark.parametrize("cached", [True, False])
def test_features_come_in_the_order_of_the_images(content_hash, cached, tmp_path):
    images, network = Many(3000, content_hash), Counting(dimension=3)
    with FeatureStore(tmp_path / "cache" if cached else None) as store:
        features = store.extract(network, images)
        expected = Counting(dimension=3).features(images.read(0, 3000))
        assert len(features) == 3000
        assert features.dimension == 3
        for array in (features.load(), np.concatenate(list(features.chunks(700))), features.read(0, 3000)):
            assert array.dtype == np.float32
            assert np.array_equal(array, expected)
        assert np.array_equal(features.pick(np.array([2999, 0, 7])), expected[[2999, 0, 7]])
        assert [len(chunk) for chunk in features.chunks(1400)] == [1400, 1400, 200]
    assert network.seen == 3000


def test_a_feature_array_of_an_array():
    features = FeatureArray(np.arange(6, dtype=np.float32).reshape(3, 2))
    assert features.read(1, 3).tolist() == [[2, 3], [4, 5]]
    features.load()[...] = 0
    assert features.read(0, 1).tolist() == [[0, 1]]


def test_what_was_extracted_is_kept_between_stores(stored, tmp_path):
    first, again = Counting(), Counting()
    features = extract(first, stored(), tmp_path).load()
    assert np.array_equal(extract(again, stored(), tmp_path).load(), features)
    assert (first.seen, again.seen) == (10, 0)
    assert [path.suffix for path in tmp_path.iterdir() if path.suffix != ".lock"] == [".h5"]


def test_images_with_a_hash_are_extracted_once_in_a_store_without_a_cache(stored):
    network = Counting()
    with FeatureStore(None) as store:
        assert store.extract(network, stored()) is store.extract(network, stored())
        store.extract(network, stored(content_hash=None))
        store.extract(network, stored(content_hash=None))
    assert network.seen == 30


@pytest.mark.parametrize(
    "other",
    [{"name": "other"}, {"weights_sha256": "cd" * 32}, {"weights_sha256": None}, {"runtime": "numpy 3"}],
)
def test_whatever_could_move_a_feature_is_kept_apart(other, stored, tmp_path):
    network = Counting(**other)
    extract(Counting(), stored(), tmp_path)
    extract(network, stored(), tmp_path)
    assert network.seen == 10
    extract(network, stored(content_hash="c1"), tmp_path)
    assert network.seen == 20


def test_another_version_of_the_plugin_extracts_anew(stored, tmp_path, monkeypatch):
    network = Counting()
    for version in ("zoo-counting 0.1.0", "zoo-counting 0.2.0"):
        monkeypatch.setattr(extraction, "plugin_of", lambda network, version=version: version)
        extract(network, stored(), tmp_path)
    assert network.seen == 20


def test_the_documented_layout_is_what_others_find_in_the_file(stored, tmp_path):
    features = extract(Counting(), stored(), tmp_path).load()
    (path,) = tmp_path.glob("*.h5")
    with h5py.File(path) as file:
        assert file.attrs["format"] == b"zoo-features"
        assert file.attrs["schema"] == 1
        assert b'"images": "c0", "network": "counting"' in file.attrs["key"]
        assert np.array_equal(file["features"], features)
        assert file["features"].chunks is None


def cut(path):
    path.write_bytes(path.read_bytes()[:-10])


def empty(path):
    path.write_bytes(b"")


def alter(path):
    with h5py.File(path, "r+") as file:
        file["features"][3, 2] += 1


def other_images(path):
    with h5py.File(path, "r+") as file:
        file.attrs["key"] = np.bytes_("other images")


def no_features(path):
    with h5py.File(path, "r+") as file:
        del file["features"]


@pytest.mark.parametrize("spoil", [cut, empty, alter, other_images, no_features])
def test_a_damaged_file_is_made_anew_with_a_warning(spoil, stored, tmp_path):
    features = extract(Counting(), stored(), tmp_path).load()
    (path,) = tmp_path.glob("*.h5")
    spoil(path)
    network = Counting()
    with pytest.warns(UserWarning, match="damaged and extracted anew") as warned:
        assert np.array_equal(extract(network, stored(), tmp_path).load(), features)
    assert len(warned) == 1
    assert "\n" not in str(warned[0].message)
    assert network.seen == 10
    extract(network, stored(), tmp_path)
    assert network.seen == 10, "and kept again"


@given(data=st.data())
@settings(max_examples=60)
@pytest.mark.filterwarnings("ignore:The cached features")
def test_whatever_the_damage_the_features_are_right(data, damaged, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cache")
    features = extract(Counting(), Many(20, "c0"), folder).load()
    (path,) = folder.glob("*.h5")
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    assert np.array_equal(extract(Counting(), Many(20, "c0"), folder).load(), features)


def test_a_cache_that_is_no_folder_warns_once_and_does_without(stored, tmp_path):
    (tmp_path / "cache").touch()
    network = Counting()
    sets = [stored(), stored(content_hash="c1")]
    with pytest.warns(UserWarning, match=r"not kept for the next time; ZOO_FEATURE_CACHE") as warned:
        features = extract_all(network, sets, tmp_path / "cache")
    assert [len(one) for one in features] == [10, 10]
    assert len(warned) == 1


def test_a_full_disk_warns_once_and_does_without(stored, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=100))
    network = Counting()
    sets = [stored(), stored(content_hash="c1")]
    with pytest.warns(UserWarning, match=r"No space left on device.*not kept") as warned:
        features = extract_all(network, sets, tmp_path)
    assert [len(one) for one in features] == [10, 10]
    assert len(warned) == 1
    assert network.seen == 20
    assert not list(tmp_path.glob("*.h5"))


def test_what_a_cache_holds_is_read_where_it_cannot_be_written(stored, tmp_path, monkeypatch):
    extract(Counting(), stored(), tmp_path)
    monkeypatch.setattr(Path, "mkdir", lambda *args, **kwargs: pytest.fail("writes"))
    network = Counting()
    extract(network, stored(), tmp_path)
    assert network.seen == 0


def test_no_room_for_temporary_files_is_an_error(images, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "absent"))
    with pytest.raises(ZooError, match=r"Can't write a temporary file.*TMPDIR"):
        extract(Counting(), ArrayImages("ten", images(10, 4)), None)


class Broken(Counting):
    def __init__(self, *values, number=1500):
        super().__init__()
        self._values, self._number = values, number

    def features(self, images):
        first = self.seen
        features = super().features(images)
        for place, value in enumerate(self._values):
            if first <= self._number + place < first + len(images):
                features[self._number + place - first, 2] = value
        return features


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_features_that_are_not_finite_are_refused(value, tmp_path):
    message = r"'counting'.*not finite for 2 of the images 1024 to 1999 of 'many', the first of them image 1500"
    with pytest.raises(ZooError, match=message):
        extract(Broken(value, value), Many(2000, "c0"), tmp_path)
    assert not list(tmp_path.glob("*.h5"))


@pytest.mark.parametrize(
    "wrong",
    [lambda f: f.astype(np.float64), lambda f: f[:-1], lambda f: f[:, :, None], lambda f: f[:, : 1 + len(f) % 5]],
)
def test_a_network_that_breaks_its_contract_is_refused(wrong):
    network = Counting()
    features = network.features
    network.features = lambda images: wrong(features(images))
    with pytest.raises(ZooError, match="one float32 vector each"):
        extract(network, Many(1500), None)


def test_an_error_of_the_images_passes_through(tmp_path):
    images = Many(10, "c0")
    images.read = lambda start, stop: (_ for _ in ()).throw(ZooError("changed meanwhile"))
    with pytest.raises(ZooError, match="changed meanwhile"):
        extract(Counting(), images, tmp_path)
    assert not list(tmp_path.glob("*.h5"))


def test_large_images_come_in_smaller_stretches():
    class Large(Many):
        shape, sizes = (1024, 1024, 3), []

        def pick(self, numbers):
            self.sizes.append(len(numbers))
            return np.zeros((len(numbers), 1024, 1024, 3), np.uint8)

    extract(Counting(), Large(45), None)
    assert Large.sizes == [21, 21, 3]


@pytest.mark.parametrize("content_hash", ["c0", None])
def test_memory_does_not_grow_with_the_number_of_images(content_hash, tmp_path):
    def peak(count):
        tracemalloc.start()
        try:
            features = extract(Counting(dimension=4), Many(count, content_hash), tmp_path / str(count))
            assert sum(len(chunk) for chunk in features.chunks()) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(5000)  # what is imported and compiled on the first call
    shutil.rmtree(tmp_path / "5000", ignore_errors=True)
    assert peak(50_000) < peak(5000) + 100_000  # 50,000 features take 800,000 bytes


class Slow(Counting):
    def features(self, images):
        Path(self.runtime).touch()
        time.sleep(0.5)
        return super().features(images)


def _extract_slowly(cache, flag, results):
    network = Slow()
    network.runtime = flag  # the same in both processes, so that both want the same features
    results.put((network.seen, float(extract(network, Many(10, "c0"), cache).load().sum()), network.seen))


def test_two_processes_that_want_the_same_features_extract_them_once(tmp_path):
    cache, flag = tmp_path / "cache", tmp_path / "started"
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    other = context.Process(target=_extract_slowly, args=(cache, str(flag), results))
    other.start()
    while not flag.exists():
        assert other.is_alive() or flag.exists()
        time.sleep(0.01)
    network = Slow()
    network.runtime = str(flag)
    with pytest.warns(UserWarning, match="Another process extracts the features of 'many': waiting"):
        features = extract(network, Many(10, "c0"), cache)
    assert network.seen == 0
    assert results.get(timeout=10)[1:] == (float(features.load().sum()), 10)
    other.join()


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_FEATURE_CACHE", str(tmp_path))
    assert user_cache() == tmp_path
    monkeypatch.setenv("ZOO_FEATURE_CACHE", "")
    assert user_cache() is None
    monkeypatch.delenv("ZOO_FEATURE_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert user_cache().parts[-2:] == ("zoo", "features")


def test_a_store_keeps_where_the_environment_says(stored, monkeypatch, tmp_path):
    monkeypatch.setenv("ZOO_FEATURE_CACHE", str(tmp_path / "here"))
    with FeatureStore() as store:
        store.extract(Counting(), stored())
    assert len(list((tmp_path / "here").glob("*.h5"))) == 1
