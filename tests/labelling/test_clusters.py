from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import adjusted_mutual_info_score

from zoo_core.data import SPLITS, load_dataset
from zoo_core.data.hdf5 import ORIGINS, Prepared
from zoo_core.errors import UsageError, ZooError
from zoo_core.features import FeatureNetwork, Pixels
from zoo_core.labelling import cluster_labels, clusters

Prepare = Callable[..., Prepared]
SIZES = {"train": (20, 60, 40), "validation": (5, 5, 5), "test": (1, 8, 6)}


def blobs(noise: float = 12) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Noisy copies of three pictures, the second the most frequent one and the first the least; and which of them."""
    random = np.random.default_rng(0)
    pictures = random.integers(40, 216, (3, 8, 8, 1))
    images, truth = {}, {}
    for split, sizes in SIZES.items():
        truth[split] = np.repeat(np.arange(3), sizes)
        noisy = pictures[truth[split]] + random.normal(0, noise, (sum(sizes), 8, 8, 1))
        images[split] = np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
    return images, truth


@pytest.mark.parametrize("k", [3, None])
def test_clusters_are_found_and_numbered_by_size(prepare: Prepare, monkeypatch: pytest.MonkeyPatch, k: int | None):
    monkeypatch.setattr(clusters, "CHOICES", range(2, 6))  # for speed
    images, truth = blobs()
    labels = cluster_labels(prepare(images), Pixels(), k, seed=0)
    assert labels.classes == ("cluster-00", "cluster-01", "cluster-02")
    numbers = np.array([2, 0, 1])  # of the pictures, by how many train images they have
    for split in SPLITS:
        columns = labels.columns[split]
        assert np.array_equal(columns["labels"], numbers[truth[split]])
        assert (columns["label_origins"] == ORIGINS.index("cluster")).all()
        assert 0.3 < columns["label_confidences"].min() <= columns["label_confidences"].max() <= 1
    assert labels.method["k"] == 3
    assert labels.method["features"] == "pixels"
    assert list(labels.method["silhouettes"]) == (["2", "3", "4", "5"] if k is None else [])


def test_a_seed_gives_the_same_labels(prepare: Prepare):
    prepared = prepare(blobs(noise=80)[0])
    found = [cluster_labels(prepared, Pixels(), 5, seed) for seed in (1, 1, 2)]
    confidences = [labels.columns["train"]["label_confidences"] for labels in found]
    assert np.array_equal(confidences[0], confidences[1])
    assert not np.array_equal(confidences[0], confidences[2])
    assert found[0].method == found[1].method


def test_confidence_is_low_between_two_centres(prepare: Prepare):
    """And so for what lies half-way between black and white."""
    levels = np.array([0] * 10 + [255] * 10 + [127, 128])
    images = np.broadcast_to(levels[:, None, None, None], (22, 4, 4, 1)).astype(np.uint8)
    labels = cluster_labels(prepare(dict.fromkeys(SPLITS, images)), Pixels(), 2, seed=0)
    confidences = labels.columns["test"]["label_confidences"]
    assert confidences[:20].min() > 0.85
    assert confidences[20:].max() < 0.35


def test_most_images_are_not_looked_at_when_clusters_are_sought(prepare: Prepare, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(clusters, "MOST_FITTED", 40)
    monkeypatch.setattr(clusters, "_CHUNK", 16)
    images, truth = blobs()
    labels = cluster_labels(prepare(images), Pixels(), 3, seed=0)
    assert np.array_equal(labels.columns["train"]["labels"], np.array([2, 0, 1])[truth["train"]])


@pytest.mark.parametrize("k", [0, 1, 4])
def test_more_clusters_than_different_images_are_refused(prepare: Prepare, k: int):
    images, _ = blobs(noise=0)
    with pytest.raises(UsageError, match=f"3 of the train images differ.*from 2 to 3 clusters; received {k}"):
        cluster_labels(prepare(images), Pixels(), k, seed=0)


def test_images_that_are_all_alike_are_refused(prepare: Prepare):
    alike = dict.fromkeys(SPLITS, np.full((9, 4, 4, 1), 7, np.uint8))
    with pytest.raises(UsageError, match="1 of the train images differ"):
        cluster_labels(prepare(alike), Pixels(), None, seed=0)


class Broken(FeatureNetwork):
    name, weights_sha256, runtime = "broken", None, "none"

    def features(self, images: np.ndarray) -> np.ndarray:
        return np.full((len(images), 3), np.nan, np.float32)


def test_features_that_are_not_finite_are_an_error(prepare: Prepare):
    with pytest.raises(ZooError, match="features of 'broken' are not finite"):
        cluster_labels(prepare(blobs()[0]), Broken(), 3, seed=0)


def test_clusters_of_handwritten_digits_tell_the_digits(prepare: Prepare):
    digits = load_dataset("digits@8")
    labels = cluster_labels(prepare({split: digits.images(split) for split in SPLITS}), Pixels(), 10, seed=0)
    assert adjusted_mutual_info_score(digits.labels("train"), labels.columns["train"]["labels"]) > 0.5
