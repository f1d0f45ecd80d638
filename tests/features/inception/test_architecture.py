"""The quirks of the network, seen in its description."""

from collections import Counter

from zoo_core.features.inception.architecture import Builder, inception
from zoo_core.features.inception.weights import expected_shapes


class Trace(Builder[str]):
    """Activations are the names of what made them."""

    def __init__(self):
        self.inputs = {}
        self.pools = Counter()

    def convolution(self, x, name, channels, kernel, stride=1, padding="same"):
        self.inputs[name] = x
        return name

    def max_pool(self, x, stride, padding):
        self.pools[f"max, stride {stride}, {padding}"] += 1
        return f"max, stride {stride}, {padding}"

    def average_pool(self, x):
        self.pools["average"] += 1
        return "average"

    def concatenate(self, branches):
        return "block"

    def global_average(self, x):
        return f"mean of {x}"


def test_the_last_block_alone_pools_by_maximum():
    trace = Trace()
    assert inception(trace, "images") == "mean of block"
    pooled = {name.partition(".")[0]: x for name, x in trace.inputs.items() if name.endswith("branch_pool")}
    assert pooled.pop("Mixed_7c") == "max, stride 1, same"
    assert list(pooled) == [f"Mixed_{block}" for block in ("5b", "5c", "5d", "6b", "6c", "6d", "6e", "7b")]
    assert set(pooled.values()) == {"average"}
    assert trace.pools == {"average": 8, "max, stride 1, same": 1, "max, stride 2, valid": 4}


def test_weights_are_those_of_the_published_file():
    shapes = expected_shapes()
    assert sum(name.endswith(".conv.weight") for name in shapes) == 94
    assert len(shapes) == 94 * 5 + 2
    assert shapes["Conv2d_1a_3x3.conv.weight"] == (32, 3, 3, 3)
    assert shapes["Mixed_6b.branch7x7_2.conv.weight"] == (128, 128, 1, 7)
    assert shapes["Mixed_7c.branch_pool.bn.running_var"] == (192,)
    assert shapes["fc.weight"] == (1008, 2048)
