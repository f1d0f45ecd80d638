"""The variables of networks by name, and networks computing with other values than their own."""

import re
from collections.abc import Mapping

import keras

from zoo_core.models import Networks
from zoo_core.training.backends import Arrays


def name_variables(networks: Networks) -> dict[str, keras.Variable]:
    """The variables of all networks by the names that states and checkpoints use."""
    named = {}
    for network, module in networks.items():
        for group, variables in (("trainable", module.trainable_variables), ("other", module.non_trainable_variables)):
            for i, variable in enumerate(variables):
                # Keras numbers those that got no name through the whole process: another build, another number
                name = re.sub(r"^variable_\d+$", "variable", variable.name)
                named[f"networks/{network}/{group}/{i:03d}.{name}"] = variable
    return named


def assigned(variables: Mapping[str, keras.Variable], values: Arrays) -> keras.StatelessScope:
    """A scope in which these variables have the values of their names; what has none keeps its own."""
    return keras.StatelessScope([(variable, values[name]) for name, variable in variables.items() if name in values])
