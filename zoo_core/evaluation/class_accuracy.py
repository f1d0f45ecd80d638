"""Do conditional samples show the class that was asked for?"""

import numpy as np

from zoo_core.evaluation.metric import Evaluand, Metric, NotApplicable
from zoo_core.evaluation.record import Score
from zoo_core.features import Classifier


class ClassAccuracy(Metric):
    """The share, in [0, 1], of generated images to which the classifier gives the label that was asked for.

    Real images score the classifier's own accuracy; a model can do better than that by showing only clear cases.
    """

    name = "class_accuracy"
    needs = "labels"

    def __call__(self, evaluand: Evaluand) -> dict[str, Score]:
        network = evaluand.features
        if evaluand.generated is None or evaluand.labels is None:
            raise NotApplicable("Class accuracy needs images generated for given labels, and there are none.")
        if not isinstance(network, Classifier):
            raise NotApplicable(
                f"Class accuracy needs a classifier, received the features '{network.name}'.",
                "Train one: zoo classifier train --data SET --out FILE. Then use it: --weights FILE.",
            )
        if network.classes != evaluand.classes:
            raise NotApplicable("Class accuracy needs a classifier of the data set's own classes, received another.")
        predicted = network.probabilities(evaluand.generated).argmax(axis=1)
        score = Score(
            value=float(np.mean(predicted == evaluand.labels)),
            label="Class accuracy",
            better="higher",
            n_generated=len(predicted),
            n_reference=0,
        )
        return {"class_accuracy": score}
