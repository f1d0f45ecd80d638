"""Do conditional samples show the class that was asked for?"""

import numpy as np

from zoo_core.evaluation.intervals import Rated, share_of
from zoo_core.evaluation.metric import Evaluand, Need, NotApplicable, SampleMetric
from zoo_core.evaluation.sample import Sample
from zoo_core.features.base import ClassifyingNetwork


class ClassAccuracy(SampleMetric):
    """The share, in [0, 1], of generated images to which the classifier gives the label that was asked for.

    The floor is the classifier's accuracy on real images; a model can do better than that by showing only clear cases.
    """

    name = "class_accuracy"
    compares = False
    needs: Need = "labels"

    def measure(self, sample: Sample, evaluand: Evaluand) -> dict[str, Rated]:
        network, images = evaluand.network, sample.images
        if images.labels is None:
            raise NotApplicable("Class accuracy needs images generated for given labels, and there are none.")
        if not isinstance(network, ClassifyingNetwork):
            raise NotApplicable(
                f"Class accuracy needs a classifier, received the features '{network.name}'.",
                "Train one: zoo classifier train --data SET --out FILE. Then use it: --weights FILE.",
            )
        if network.classes != images.classes:
            raise NotApplicable("Class accuracy needs a classifier of the data set's own classes, received another.")
        predicted = np.concatenate([network.logits(chunk).argmax(axis=1) for chunk in sample.features.chunks()])
        rated = Rated(share_of(predicted == images.labels), f"Class accuracy ({network.label})", "higher", 0)
        return {f"class_accuracy_{network.label}": rated}
