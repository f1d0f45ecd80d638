"""Mean 0 and variance 1, for a network that wants them in place of [-1, 1]."""

import keras

from zoo_core.errors import ZooError
from zoo_core.specs import DataSpec


def standardization(data: DataSpec, inverse: bool = False) -> keras.layers.Layer:
    """A layer that brings images of this data set to mean 0 and variance 1, channel by channel, over the train images.

    Its constants are those of the data set. They are saved with the network and follow from `run.json`, and nothing
    trains them. A channel that is the same in all train images is only shifted.

    Args:
        inverse: from there back to [-1, 1], for what a network makes.

    Input shape, output shape: (N, ..., C).

    Raises:
        ZooError: where the data set's statistics are not known.
    """
    if data.means is None or data.deviations is None:
        raise ZooError(
            f"The means and deviations of '{data.name}' are not known: its description is older than them.",
            "Start the run anew: zoo train",
        )
    variances = [deviation**2 or 1.0 for deviation in data.deviations]
    return keras.layers.Normalization(axis=-1, mean=list(data.means), variance=variances, invert=inverse)
