"""Labels for images that nobody labelled: clusters of their features, found by k-means in bounded memory."""

from collections.abc import Iterator

import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.decomposition import PCA
from sklearn.metrics import silhouette_score
from threadpoolctl import threadpool_limits

from zoo_core.data.hdf5 import ORIGINS, Columns, Prepared
from zoo_core.errors import UsageError, ZooError
from zoo_core.features import FeatureNetwork
from zoo_core.labelling.labels import Labels, columns_of, joined

MOST_FITTED = 10_000
"""Train images that the clusters are found among."""

MOST_COMPARED = 2_000
"""Of these, those whose silhouettes choose k."""

CHOICES = range(2, 21)
DIMENSIONS = 64
_CHUNK = 1024  # images that a feature network is given at a time
_TINY = np.finfo(np.float32).tiny


def cluster_labels(prepared: Prepared, features: FeatureNetwork, k: int | None, seed: int) -> Labels:
    """Every image gets the cluster that its features are nearest to.

    Mini-batch k-means (Sculley, "Web-Scale K-Means Clustering", 2010) on features that PCA reduces to 64 dimensions at
    most; both are fitted on `MOST_FITTED` train images that the seed draws, or on all of them. The classes are
    `cluster-00`, `cluster-01`, …, the one with the most train images first. The confidence of a label is 1 - d1 / d2,
    with the distances d1 to the nearest centre and d2 to the second: 1 in a centre, 0 half-way between two.

    Args:
        k: the number of clusters; None for the one from 2 to 20 with the largest mean silhouette (Rousseeuw,
            "Silhouettes", 1987) over `MOST_COMPARED` of these images.
        seed: the same one gives the same labels.

    Raises:
        UsageError: where fewer train images than that differ in their features.
        ZooError: where features are not finite.
    """
    images = prepared.columns("train")["images"]
    drawn = np.random.Generator(np.random.PCG64(seed)).permutation(len(images))[:MOST_FITTED]
    sample = np.concatenate([_features(features, images[drawn[chunk]]) for chunk in _chunks(len(drawn))])
    distinct = len({row.tobytes() for row in sample})
    if not 2 <= (2 if k is None else k) <= distinct:
        raise UsageError(
            f"{distinct} of the train images differ in their features ({features.name}), so that there can be from 2 "
            f"to {distinct} clusters; received {k}.",
        )
    # Not standardized first: those of a network have one unit, and pixels that hardly ever differ would drown the rest.
    reduction = PCA(min(DIMENSIONS, *sample.shape), random_state=seed)
    reduced = reduction.fit_transform(sample)
    with threadpool_limits(1):  # threads of scikit-learn wait for each other far longer than they compute
        silhouettes = _silhouettes(reduced, distinct, seed) if k is None else {}
        k = k or max(silhouettes, key=silhouettes.__getitem__, default=2)
        means = _fitted(reduced, k, seed)

    def parts() -> Iterator[tuple[str, Columns]]:
        for split, columns in prepared.parts():
            for chunk in _chunks(len(columns["images"])):
                found = _features(features, columns["images"][chunk])
                distances = means.transform(reduction.transform(found))  # (n, k)
                first, second = np.partition(distances, 1)[:, :2].T
                origins = np.full(len(first), ORIGINS.index("cluster"))
                yield split, columns_of(distances.argmin(axis=1), origins, 1 - first / np.maximum(second, _TINY))

    columns = joined(parts())
    sizes = np.bincount(columns["train"]["labels"], minlength=k)
    ranks = np.argsort(np.argsort(-sizes, kind="stable")).astype("<i4")
    width = max(2, len(str(k - 1)))
    return Labels(
        classes=tuple(f"cluster-{number:0{width}d}" for number in range(k)),
        columns={split: {**found, "labels": ranks[found["labels"]]} for split, found in columns.items()},
        method={
            "method": "clusters",
            "features": features.name,
            "weights_sha256": features.weights_sha256,
            "k": k,
            "silhouettes": {str(choice): round(value, 4) for choice, value in silhouettes.items()},
            "seed": seed,
        },
    )


def _silhouettes(reduced: np.ndarray, distinct: int, seed: int) -> dict[int, float]:
    """The mean silhouette for each k that can be chosen."""
    some = reduced[:MOST_COMPARED]
    labels = {k: _fitted(reduced, k, seed).predict(some) for k in CHOICES if k <= distinct}
    return {
        k: float(silhouette_score(some, found)) for k, found in labels.items() if 1 < len(np.unique(found)) < len(some)
    }


def _fitted(reduced: np.ndarray, k: int, seed: int) -> MiniBatchKMeans:
    return MiniBatchKMeans(k, n_init=3, random_state=seed).fit(reduced)


def _features(network: FeatureNetwork, images: np.ndarray) -> np.ndarray:
    found = network.features(np.asarray(images))
    if not np.isfinite(found).all():
        raise ZooError(f"The features of '{network.name}' are not finite.", "Its weights may be damaged.")
    return found


def _chunks(count: int) -> Iterator[slice]:
    return (slice(start, start + _CHUNK) for start in range(0, count, _CHUNK))
