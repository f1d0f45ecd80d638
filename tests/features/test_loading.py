"""From a name to a feature network; what a plugin's network does wrong is told before anything is measured."""

import pytest

from zoo_core.errors import UsageError, ZooError
from zoo_core.features import load_features
from zoo_core.specs import DataSpec, Field

INIT = """
import zoo_core

@zoo_core.hookimpl
def zoo_features():
    yield zoo_core.FeatureSpec(name="{name}", summary="Features for tests", target="zoo_{name}.network:open_network")
"""

NETWORK = """
import numpy as np
from zoo_core.features import ClassifyingNetwork

class Mean(ClassifyingNetwork):
    name = "mean"
    weights_sha256 = None
    runtime = "numpy"
    classes = ("dark", "bright")

    def features(self, images):
        return images.mean(axis=(1, 2)).astype(np.float32)

    def logits(self, features):
        return np.concatenate([-features, features], axis=1)[:, :2]

def open_network(data, weights):
    return Mean()
"""


def spec(name, shape=(28, 28, 1)):
    return DataSpec(name=name, fields={"images": Field(shape, "float32")}, classes=(), splits={}, content_hash="")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("digits", "classifier:digits"),
        ("digits@8", "classifier:digits"),
        ("mnist@32x24", "classifier:mnist"),
        ("fashion_mnist", "classifier:fashion_mnist"),
        ("cifar10", "pixels"),
        ("folder:digits", "pixels"),
    ],
)
def test_auto_takes_the_shipped_classifier_whatever_the_size(data, expected):
    assert load_features("auto", spec(data)).name == expected


@pytest.mark.parametrize("begin", [b"PK\x03\x04", b"\x80\x02\x8a"], ids=["zip", "pickle"])
def test_auto_knows_weights_of_pytorch_by_their_content(tmp_path, begin):
    weights = tmp_path / "weights"
    weights.write_bytes(begin + bytes(100))
    with pytest.raises(UsageError, match=r"is a file of PyTorch.*--features inception"):
        load_features("auto", spec("digits"), weights)


def test_auto_says_what_is_wrong_with_any_other_file(tmp_path):
    with pytest.raises(UsageError, match="There is no weights file"):
        load_features("auto", spec("digits"), tmp_path / "missing")
    (tmp_path / "text").write_text("hello")
    with pytest.raises(ZooError, match="not a classifier's weights file"):
        load_features("auto", spec("digits"), tmp_path / "text")


def test_an_unknown_name_is_told_the_nearest():
    with pytest.raises(UsageError, match=r"Unknown feature network 'pixel'\. Did you mean 'pixels'"):
        load_features("pixel", spec("digits"))
    with pytest.raises(UsageError, match="Known: classifier, inception, pixels"):
        load_features("vgg", spec("digits"))


def test_a_plugins_network_is_loaded_with_the_data_and_the_weights(make_plugin, tmp_path):
    opening = NETWORK + "\nopened = []\ndef open_network(*arguments):\n    opened.append(arguments)\n    return Mean()"
    make_plugin("mean", INIT, modules={"network": opening})
    data = spec("digits")
    assert load_features("mean", data, tmp_path).name == "mean"
    from zoo_mean.network import opened

    assert opened == [(data, tmp_path)]


def test_what_a_plugin_says_is_wrong_with_the_request_stays_as_it_is(make_plugin):
    refusing = NETWORK.replace("return Mean()", "raise zoo_core.UsageError('Too small.', 'Take 32.')")
    make_plugin("mean", INIT, modules={"network": "import zoo_core\n" + refusing})
    with pytest.raises(UsageError, match=r"^Too small\. Take 32\.$"):
        load_features("mean", spec("digits"))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("import numpy", "import gone, numpy", "No module named 'gone'"),
        ("def open_network", "def open", "has no attribute 'open_network'"),
        ("def open_network(data, weights)", "open_network = 3\ndef other()", "must be a function, received 3"),
        ("open_network(data, weights)", "open_network(data)", "takes 1 positional argument but 2 were given"),
        ("return Mean()", "return exit(3)", "SystemExit: 3"),
        ("return Mean()", "return print", "expected a zoo_core.features.FeatureNetwork, received <built-in"),
        ("    runtime =", "    other =", "has no attribute 'runtime'"),
        ('name = "mean"', 'name = "inception"', "its name must be 'mean', .* received 'inception'"),
        (".astype(np.float32)", "", r"features\(\) of 2 images must be float32 \(2, D\), received float64 \(2, 3\)"),
        ("axis=(1, 2)", "axis=1", r"float32 \(2, D\), received float32 \(2, 32, 3\)"),
        ("images.mean", "images[:1].mean", r"received float32 \(1, 3\)"),
        ("images.mean", "images.mittel", "AttributeError.*mittel"),
        ("[:, :2]", "", r"logits\(\) of 2 images must be float32 \(2, 2\), received float32 \(2, 6\)"),
    ],
)
def test_a_plugins_network_that_breaks_the_contract_is_told(make_plugin, before, after, told):
    assert before in NETWORK
    make_plugin("mean", INIT, modules={"network": NETWORK.replace(before, after)})
    with pytest.raises(ZooError, match=told) as caught:
        load_features("mean", spec("cifar10", (32, 32, 3)))
    assert caught.value.exit_code == 1
    assert caught.value.message.startswith("Feature network 'mean' of zoo-mean 1.0 can't be loaded: ")
    assert "pip uninstall zoo-mean" in caught.value.hint
