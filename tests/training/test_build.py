"""What models of another form than the contract's are told."""

import re
from typing import Any

import keras
import pytest

from zoo_core.data import Dataset
from zoo_core.discovery import Plugin
from zoo_core.errors import ZooError
from zoo_core.models import GenerativeModel, Phase
from zoo_core.options import Options
from zoo_core.registry import RegisteredModel
from zoo_core.specs import ModelSpec
from zoo_core.training.build import build


def a_network() -> keras.Model:
    z = keras.Input((3,))
    return keras.Model(z, keras.layers.Dense(1)(z))


def a_phase(trains: Any = ("decoder",), optimizer: Any = None) -> Phase:
    return Phase("one", lambda nets, batch, tools: (0.0, {}), trains, optimizer or keras.optimizers.SGD(0.1))


GOOD: dict[str, Any] = {
    "inference": ("decoder",),
    "networks": lambda self, data: {"decoder": a_network()},
    "phases": lambda self: (a_phase(),),
}


def build_with(
    monkeypatch: pytest.MonkeyPatch, data: Dataset, base: type = GenerativeModel, **members: Any
) -> dict[str, keras.Model]:
    """The networks of a good model with these members in place of its own; None for one that is left out."""
    own = {name: member for name, member in {**GOOD, **members}.items() if member is not None}
    monkeypatch.setattr(RegisteredModel, "load", lambda self: (type("Model", (base,), own), Options))
    spec = ModelSpec(name="toy", summary="", target="zoo_toy:Model", options="zoo_toy:Options", tasks={"generate"})
    return build(RegisteredModel(spec, Plugin("toy", "zoo-toy", "1.0")), Options(), data.spec, 0).networks


def test_lists_will_do_for_tuples(monkeypatch: pytest.MonkeyPatch, data: Dataset):
    members = {"inference": ["decoder"], "phases": lambda self: [a_phase(["decoder"])]}
    assert build_with(monkeypatch, data, **members).keys() == {"decoder"}


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"inference": None}, "zoo_toy:Model lacks inference."),
        ({"inference": None, "phases": None}, "zoo_toy:Model lacks inference and phases."),
        ({"inference": "decoder"}, """`inference` must be a tuple, such as ("decoder",), received 'decoder'."""),
        ({"inference": ("coder",)}, "`inference` is ('coder',), but the networks are ['decoder']."),
        ({"networks": lambda self, data: (a_network(),)}, "`networks` must return a dict, such as"),
        ({"networks": lambda self, data: {"decoder": "dense"}}, "received {'decoder': 'dense'}."),
        ({"networks": lambda self, data: None}, "received None."),
        (
            {"networks": lambda self, data: {"decoder": (one := a_network()), "all": keras.Sequential([one])}},
            "belongs to the networks 'decoder' and 'all': let losses call one after the other, or",
        ),
        (
            {"phases": lambda self: a_phase()},
            "`phases` must return a tuple, such as (Phase(…),), received Phase(name='o",
        ),
        ({"phases": lambda self: ()}, "`phases` must return a tuple, such as (Phase(…),), received ()."),
        ({"phases": lambda self: (a_phase("decoder"),)}, "`trains` of phase 'one' must be a tuple, such as"),
        ({"phases": lambda self: (a_phase(()),)}, "`trains` of phase 'one' must be a tuple, such as"),
        ({"phases": lambda self: (a_phase(("d",)),)}, "`trains` of phase 'one' is ('d',), but the networks are"),
        ({"phases": lambda self: (a_phase(optimizer="adam"),)}, "`optimizer` of phase 'one' must be one of Keras"),
    ],
)
def test_a_slip_is_told_with_its_plugin(
    monkeypatch: pytest.MonkeyPatch, data: Dataset, members: dict[str, Any], message: str
):
    with pytest.raises(ZooError, match=re.escape(message)) as caught:
        build_with(monkeypatch, data, **members)
    assert str(caught.value).startswith("Model 'toy' of zoo-toy 1.0: ")
    assert "pip uninstall zoo-toy" in caught.value.hint


def test_a_class_that_is_no_model_is_told(monkeypatch: pytest.MonkeyPatch, data: Dataset):
    with pytest.raises(ZooError, match=r"zoo_toy:Model must be a subclass of zoo_core\.models\.GenerativeModel"):
        build_with(monkeypatch, data, base=object)
