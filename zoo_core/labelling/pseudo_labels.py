"""Labels from a classifier, for images that it is sure of."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
from scipy.special import softmax

from zoo_core.data.hdf5 import ORIGINS, Columns, Prepared
from zoo_core.errors import UsageError
from zoo_core.features import Classifier
from zoo_core.labelling.labels import Labels, columns_of, joined

CLASSIFIER = ORIGINS.index("classifier")


def pseudo_labels(prepared: Prepared, classifier: Classifier, threshold: float) -> Labels:
    """An image gets the class that the classifier finds likeliest, where it gives it at least this probability, and
    otherwise none (Lee, "Pseudo-Label", 2013). The confidence of a label is that probability.

    The classes are the classifier's. An image that has one of them already, from elsewhere than a classifier, keeps
    its label with its origin and confidence.

    Args:
        threshold: in [0, 1].

    Returns:
        Labels whose `method` counts the images that were `labelled`, `left` without a label and `kept` theirs; and of
        these the ones that the classifier `disagreed` with, its probability for another class reaching the threshold.

    Raises:
        UsageError: for a threshold out of bounds.
    """
    if not 0 <= threshold <= 1:
        raise UsageError(f"The threshold should be a probability from 0 to 1, received {threshold:g}.")
    counts: Counter[str] = Counter(labelled=0, left=0, kept=0, disagreed=0)

    def parts() -> Iterator[tuple[str, Columns]]:
        for split, columns in prepared.parts():
            features = classifier.features(np.asarray(columns["images"]))
            probabilities = softmax(classifier.logits(features).astype(np.float64), axis=1)  # (n, K)
            guesses, confidences = probabilities.argmax(axis=1), probabilities.max(axis=1)
            sure = confidences >= threshold
            given, origins, stated = _given(prepared.classes, columns, classifier.classes)
            kept = given >= 0
            counts.update(
                labelled=int((sure & ~kept).sum()),
                left=int((~sure & ~kept).sum()),
                kept=int(kept.sum()),
                disagreed=int((kept & sure & (guesses != given)).sum()),
            )
            yield (
                split,
                columns_of(
                    np.where(kept, given, np.where(sure, guesses, -1)),
                    np.where(kept, origins, np.where(sure, CLASSIFIER, 0)),
                    np.where(kept, stated, np.where(sure, confidences, 0)),
                ),
            )

    columns = joined(parts())
    method = {"method": "classifier", "classifier": classifier.name, "weights_sha256": classifier.weights_sha256}
    return Labels(
        classes=classifier.classes, columns=columns, method={**method, "threshold": threshold, **dict(counts)}
    )


def _given(
    classes: tuple[str, ...], columns: Columns, wanted: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The labels (n,) that images have already, as numbers of the wanted classes, -1 where there are none of these or
    they are a classifier's; with their origins and confidences."""
    if not classes:
        nothing = np.zeros(len(columns["images"]))
        return nothing - 1, nothing, nothing
    numbers = np.array([wanted.index(name) if name in wanted else -1 for name in classes] + [-1])  # the last for -1
    given = np.where(columns["label_origins"] == CLASSIFIER, -1, numbers[columns["labels"]])
    return given, columns["label_origins"], columns["label_confidences"]
