"""The features of sets of images, on disk: extracted once, then read as often as metrics like, in bounded memory.

Those of images that can be had again are kept between processes, in one HDF5 file for each network and set of images,
format "zoo-features", schema 1:

    attributes: format, key, sha256 (of the features), texts of fixed length; schema, integer
    features  (N, D) float32, contiguous and uncompressed, in the order of the images
"""

import errno
import hashlib
import json
import os
import shutil
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from importlib.metadata import version
from pathlib import Path

import numpy as np
import platformdirs
from filelock import FileLock, Timeout

from zoo_core import hdf5
from zoo_core.errors import ZooError, counted
from zoo_core.evaluation.images import CHUNK, Images
from zoo_core.evaluation.spool import spool
from zoo_core.features import FeatureNetwork, plugin_of
from zoo_core.files import atomic
from zoo_core.training.log import Report

FORMAT = "zoo-features"
SCHEMA = 1

_MOST_BYTES = 2**26
"""Of images that a network is given at a time, unless a single one is larger."""

_SECONDS_WITHOUT_REPORT = 5


def user_cache() -> Path | None:
    """The folder that ZOO_FEATURE_CACHE names, None where that is empty; by default the user's cache, "zoo/features"
    in it."""
    named = os.environ.get("ZOO_FEATURE_CACHE")
    if named is None:
        return platformdirs.user_cache_path("zoo") / "features"
    return Path(named) if named else None


class FeatureArray:
    """Features in the order of their images, mapped from a file.

    Args:
        features: (N, D) float32.
    """

    def __init__(self, features: np.ndarray) -> None:
        self._features = features

    def __len__(self) -> int:
        return len(self._features)

    @property
    def dimension(self) -> int:
        """D."""
        return self._features.shape[1]

    def read(self, start: int, stop: int) -> np.ndarray:
        """Of images number `start` to `stop`, float32 (stop - start, D), read-only."""
        return np.asarray(self._features[start:stop])

    def pick(self, numbers: np.ndarray) -> np.ndarray:
        """Of the images of these numbers, in this order, float32 (n, D)."""
        return np.asarray(self._features[numbers])

    def chunks(self, size: int = 8192) -> Iterator[np.ndarray]:
        """All in order, float32 (n, D) with n at most `size`."""
        return (self.read(start, start + size) for start in range(0, len(self), size))

    def load(self) -> np.ndarray:
        """All at once, in memory, float32 (N, D)."""
        return np.array(self._features)


class FeatureStore:
    """Extracts features, and keeps those of images that have a content hash: for as long as it is open (a context
    manager), and in a cache for whoever asks later. All others are gone when nobody uses them any more.

    A cached file is used only where its checksum fits, and replaced where it does not. Two processes that want the
    same features wait for each other. Where the cache can't be written, a warning says so and all else works.

    Args:
        cache: a folder, or None for no cache; by default as `user_cache` says.
        report: is told how an extraction of more than a few seconds goes, with images for steps.
    """

    def __init__(
        self, cache: Path | Callable[[], Path | None] | None = user_cache, report: Report | None = None
    ) -> None:
        self._cache = cache() if callable(cache) else cache
        self.report = report
        self._writable = True
        self._open: dict[str, FeatureArray] = {}

    def __enter__(self) -> "FeatureStore":
        return self

    def __exit__(self, *exception: object) -> None:
        self._open.clear()

    def extract(self, network: FeatureNetwork, images: Images) -> FeatureArray:
        """The features (N, D) of all images, from the cache where they are there.

        Raises:
            ZooError: if the network gives anything but finite vectors of one length, or there is no room for them.
        """
        if images.content_hash is None:
            return FeatureArray(self._extract(network, images))
        key = _key(network, images)
        if key not in self._open:
            features = (
                self._extract(network, images) if self._cache is None else self._through(self._cache, network, images)
            )
            self._open[key] = FeatureArray(features)
        return self._open[key]

    def _through(self, cache: Path, network: FeatureNetwork, images: Images) -> np.ndarray:
        key = _key(network, images)
        path = cache / f"{hashlib.sha256(key.encode()).hexdigest()}.h5"
        found = _find(path, key, len(images))
        if found is not None:
            return found
        with self._locked(path, images):
            found = _find(path, key, len(images))  # another process may have written them meanwhile
            if found is not None:
                return found
            features = self._extract(network, images)
            if self._writable:
                try:
                    _write(path, key, features)
                except ZooError as error:
                    self._give_up_writing(error.message)
                else:
                    found = _find(path, key, len(images))
            return features if found is None else found

    def _extract(self, network: FeatureNetwork, images: Images) -> np.ndarray:
        return spool(self._reported(_features(network, images), images))

    def _reported(self, parts: Iterator[np.ndarray], images: Images) -> Iterator[np.ndarray]:
        began, done, reporting = time.monotonic(), 0, False
        for part in parts:
            yield part
            done += len(part)
            seconds = time.monotonic() - began
            if self.report is None or seconds < _SECONDS_WITHOUT_REPORT:
                continue
            if not reporting:
                self.report.begin(f"features of {images.name}", done, len(images))
                reporting = True
            self.report.log({"step": done, "seconds": seconds, "images_per_second": done / seconds})

    def _locked(self, path: Path, images: Images) -> AbstractContextManager[object]:
        if not self._writable:
            return nullcontext()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(path.with_suffix(".lock"))
            try:
                return lock.acquire(blocking=False)
            except Timeout:
                warnings.warn(f"Another process extracts the features of '{images.name}': waiting.", stacklevel=2)
                return lock.acquire()
        except (OSError, NotImplementedError) as error:  # the latter where the file system has no locks
            self._give_up_writing(f"Can't lock '{path}': {error}.")
            return nullcontext()

    def _give_up_writing(self, problem: str) -> None:
        self._writable = False
        warnings.warn(
            f"{problem} Features are not kept for the next time; ZOO_FEATURE_CACHE names another folder for them, and "
            "empty turns this off.",
            stacklevel=2,
        )


def _key(network: FeatureNetwork, images: Images) -> str:
    """Whatever could move a bit of the features."""
    return json.dumps(
        {
            "images": images.content_hash,
            "network": network.name,
            "weights_sha256": network.weights_sha256,
            "runtime": network.runtime,
            "plugin": plugin_of(network),
            "zoo-core": version("zoo-core"),
        }
    )


def _features(network: FeatureNetwork, images: Images) -> Iterator[np.ndarray]:
    height, width, channels = images.shape
    start, dimension = 0, None
    for chunk in images.chunks(max(1, min(CHUNK, _MOST_BYTES // (height * width * channels)))):
        features = np.asarray(network.features(chunk))
        if (
            features.dtype != np.float32
            or features.ndim != 2
            or features.shape != (len(chunk), dimension or features.shape[1])
        ):
            raise ZooError(
                f"'{network.name}' should give {counted(len(chunk), 'image')} one float32 vector each, all of one "
                f"length; received {features.dtype} {features.shape}.",
                "Report it to whoever wrote this feature network.",
            )
        broken = np.flatnonzero(~np.isfinite(features).all(axis=1))
        if len(broken):
            raise ZooError(
                f"'{network.name}' gives features that are not finite for {len(broken)} of the images {start} to "
                f"{start + len(chunk) - 1} of '{images.name}', the first of them image {start + broken[0]}.",
                "If they are so for ordinary images, the network's weights are damaged.",
            )
        yield features
        start, dimension = start + len(chunk), features.shape[1]


def _find(path: Path, key: str, count: int) -> np.ndarray | None:
    """The features in a file of the cache; None where there is none, or a broken one, which is removed."""
    if not os.path.isfile(path):  # nor where the folder is closed to us
        return None
    try:
        with hdf5.reading(path, FORMAT, SCHEMA) as file:
            features = hdf5.mapped(file, "features", "<f4", path)
            if hdf5.read_text(file, "key") != key or features.ndim != 2 or len(features) != count:
                raise hdf5.Broken("it holds other features than its name says")
            if hdf5.read_text(file, "sha256") != hashlib.sha256(features.data).hexdigest():
                raise hdf5.Broken("its checksum does not fit its content")
            return features
    except hdf5.Broken as error:
        warnings.warn(f"The cached features in '{path}' are damaged and extracted anew: {error}.", stacklevel=2)
        with suppress(OSError):  # in a cache that can't be written
            path.unlink()
        return None


def _write(path: Path, key: str, features: np.ndarray) -> None:
    with atomic(path) as temporary:
        if features.nbytes > shutil.disk_usage(temporary.parent).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # now, as libhdf5 fails without grace
        try:
            with hdf5.create(temporary, FORMAT, SCHEMA) as file:
                hdf5.write_text(file, "key", key)
                hdf5.write_text(file, "sha256", hashlib.sha256(features.data).hexdigest())
                file.create_dataset("features", data=features)
        except RuntimeError as error:  # what h5py raises where the file can't be finished when it is closed
            raise OSError(str(error)) from error
