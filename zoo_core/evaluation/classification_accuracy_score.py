"""Can a classifier learn from generated images alone?"""

import numpy as np

from zoo_core.data import Dataset, Split
from zoo_core.data.dataset import carve_validation
from zoo_core.errors import UsageError
from zoo_core.evaluation.images import CHUNK, Images
from zoo_core.evaluation.intervals import Rated, share_of
from zoo_core.evaluation.metric import Evaluand, Need, NotApplicable, SampleMetric
from zoo_core.evaluation.sample import Sample
from zoo_core.evaluation.spool import spool
from zoo_core.features.network import predict
from zoo_core.features.storage import Recipe
from zoo_core.features.training import train_classifier


class ClassificationAccuracyScore(SampleMetric):
    """Ravuri & Vinyals 2019, "Classification accuracy score for conditional generative models": the accuracy, in
    [0, 1], on real reference images of a classifier trained on generated images with the labels asked for.

    The classifier is the project's own, trained by its default recipe (3,000 steps of 128 images), where the paper
    trains a ResNet-50: scores compare with each other, not with the paper's. A tenth of the generated images, at most
    5,000, chooses among its checkpoints. The floor is what the same training makes of real images; the interval is of
    the draw of reference images, given one training.

    Args:
        recipe: of the classifier, for tests.
    """

    name = "cas"
    needs: Need = "labels"

    def __init__(self, recipe: Recipe | None = None) -> None:
        self._recipe = recipe or Recipe()

    def measure(self, sample: Sample, evaluand: Evaluand) -> dict[str, Rated]:
        reference = evaluand.reference.images
        for images, what in ((sample.images, "images generated for given labels"), (reference, "labelled real images")):
            if images.labels is None:
                raise NotApplicable(f"CAS needs {what}, and '{images.name}' has no labels.")
        if sample.images.classes != reference.classes:
            raise NotApplicable("CAS needs generated and real images of the same classes, received others.")
        if len(sample) < 2:
            raise NotApplicable("CAS needs at least 2 generated images, received 1.")
        test = Split(spool(reference.chunks()), reference.labels)
        if evaluand.report:
            evaluand.report.begin(f"classifier of {sample.images.name}", 0, self._recipe.steps)
        log = evaluand.report.log if evaluand.report else lambda line: None
        try:
            network, _ = train_classifier(_data(sample.images, test), self._recipe, log)
        except UsageError as error:
            raise NotApplicable(f"CAS can't train its classifier. {error.message}", error.hint) from error
        hits = predict(network, test.images)[1].argmax(axis=1) == test.labels
        accuracy = share_of(hits)._replace(method="Wilson, given one training")
        return {"cas": Rated(accuracy, "CAS", "higher", len(hits))}


def _data(generated: Images, test: Split) -> Dataset:
    """Generated images to train on and to choose by, real ones to test on; all on disk."""
    images, labels = spool(generated.chunks()), np.asarray(generated.labels)
    splits = {"test": test}
    for name, numbers in carve_validation(len(images), labels).items():
        chunks = (numbers[start : start + CHUNK] for start in range(0, len(numbers), CHUNK))
        splits[name] = Split(spool(images[chunk] for chunk in chunks), labels[numbers])
    return Dataset(generated.name, splits, generated.classes)
