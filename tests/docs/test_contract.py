"""What docs/contract.md says of the blocks that models share: all of them are there, and the examples run."""

import re
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any

import keras
import pytest

import zoo_core
from zoo_core.data import load_dataset
from zoo_core.models import augment, blocks, layers, losses, residual, translation
from zoo_core.testing import loss_of

PAGE = (Path(__file__).parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")


def test_every_field_of_the_record_is_documented():
    table = PAGE.partition("`zoo_core.ModelSpec`:\n")[2].lstrip().partition("\n\n")[0]
    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [field.name for field in fields(zoo_core.ModelSpec)]


def public(module: ModuleType) -> set[str]:
    """What a module defines, or its `__all__` names."""
    defined = {name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    return set(getattr(module, "__all__", {name for name in defined if not name.startswith("_")}))


@pytest.mark.parametrize(
    "module", [augment, blocks, layers, losses, residual, translation], ids=lambda module: module.__name__
)
def test_every_shared_block_is_documented(module: ModuleType):
    _, _, section = PAGE.partition(f"\n| `.{module.__name__.removeprefix('zoo_core.models.')}` | ")
    rows = re.match(r".*(\n\| \| .*)*", section)
    assert rows is not None
    documented = {name for row in rows[0].splitlines() for name in re.findall(r"`(\w+)`", row.split(" | ")[-2])}
    assert documented == public(module)


def test_the_examples_run():
    keras.utils.set_random_seed(0)
    found: dict[str, Any] = {}
    for example in re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE):
        exec(example, found)
    data = load_dataset("digits~downscale2")
    assert found["autoencoder"](data.spec).output_shape == (None, 16, 16, 1)

    nets = found["networks"](data.spec)
    pixels = {"images": data.images("train")[:4], "inputs": data.inputs("train")[:4]}
    loss, _ = loss_of(found["discriminator_loss"], nets, {name: each / 127.5 - 1 for name, each in pixels.items()})
    assert nets["generator"].output_shape == (None, 16, 16, 1)
    assert loss == pytest.approx(2, abs=2)  # of a discriminator that knows nothing
