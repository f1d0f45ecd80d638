from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, model_validator

from zoo_core.errors import UsageError
from zoo_core.options import Options, parse_assignments, read_tables, read_toml, resolve, write_toml


class Norm(StrEnum):
    BATCH = "batch"
    SPECTRAL = "spectral"


class Everything(Options):
    """One option of each kind that a plugin may have."""

    width: int = Field(64, ge=8, le=512, description="channels, in [8, 512]")
    rate: float = Field(2e-4, gt=0, description="of Adam, above 0")
    likelihood: Literal["bernoulli", "gaussian"] = Field("bernoulli", description="of a pixel")
    norm: Norm = Field(Norm.BATCH, description="of the discriminator")
    flip: bool = Field(False, description="mirror half of the images")
    depth: int | None = Field(None, ge=1, description="blocks, at least 1")
    channels: tuple[int, ...] = Field((32, 64), description="of each block")
    note: str = Field("", description="anything")
    weights: Path | None = Field(None, description="a file")

    @model_validator(mode="after")
    def flipped_gaussians_are_wide(self) -> "Everything":
        if self.flip and self.likelihood == "gaussian" and self.width < 16:
            raise ValueError("with flip and gaussian, width must be at least 16")
        return self


scalars = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.booleans() | st.text()
keys = st.text(min_size=1).filter(lambda key: "=" not in key and key.strip())


@given(st.lists(st.text() | st.builds("{}={}".format, st.text(), st.text())))
def test_parsing_fails_with_a_usage_error_or_not_at_all(assignments: list[str]):
    try:
        values = parse_assignments(assignments)
    except UsageError:
        return
    assert set(values) == {assignment.partition("=")[0].strip() for assignment in assignments}


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 10_000, "1\nother = 2", '"open', "2020-13-40", ""])
def test_what_is_no_toml_value_is_a_plain_string(text: str):
    assert parse_assignments([f"note={text}"]) == {"note": text}


@given(keys, scalars | st.lists(scalars))
def test_every_toml_value_comes_back_as_it_was(key: str, value: Any):
    text = tomli_w.dumps({"v": value}).removeprefix("v = ")
    parsed = parse_assignments([f"{key}={text}"])
    assert parsed == {key.strip(): value}
    assert type(parsed[key.strip()]) is type(value)


@pytest.mark.parametrize("text", ["gaussian", "runs/first", "1.2.3", "a=b"])
def test_a_string_needs_no_quotes(text: str):
    assert parse_assignments([f"note = {text}"]) == {"note": text}


@pytest.mark.parametrize("assignment", ["width", "=3", " = 3", ""])
def test_an_assignment_without_key_or_value_is_shown_a_good_one(assignment: str):
    with pytest.raises(UsageError, match=r"key=value, received '.*'.*-o width=32"):
        parse_assignments([assignment])


def test_the_last_assignment_wins():
    assert parse_assignments(["width=8", "width=16"]) == {"width": 16}


@given(st.sampled_from(sorted(Everything.model_fields)), st.data())
def test_a_typo_names_the_nearest_option(name: str, data: st.DataObject):
    dropped = data.draw(st.integers(0, len(name) - 1))
    typo = name[:dropped] + name[dropped + 1 :]
    with pytest.raises(UsageError) as raised:
        resolve(Everything, {typo: 1}, "vae")
    assert raised.value.message == f"Unknown option of vae '{typo}'."
    assert raised.value.hint == f"Did you mean '{name}'?"


@given(st.integers())
def test_bounds_are_kept(width: int):
    if 8 <= width <= 512:
        assert resolve(Everything, {"width": width}, "vae").width == width
        return
    with pytest.raises(UsageError) as raised:
        resolve(Everything, {"width": width}, "vae")
    bound = "greater than or equal to 8" if width < 8 else "less than or equal to 512"
    assert raised.value.message == f"Bad option of vae: width={width}: input should be {bound}."
    assert raised.value.hint == "width: channels, in [8, 512]."


@pytest.mark.parametrize("value", ["nan", "inf", "0", "fast", "[1.0]", "-1e-4"])
def test_a_rate_is_a_finite_number_above_zero(value: str):
    with pytest.raises(UsageError, match="Bad option of vae: rate="):
        resolve(Everything, parse_assignments([f"rate={value}"]), "vae")


def test_every_bad_option_is_told_at_once_and_choices_are_listed():
    with pytest.raises(UsageError) as raised:
        resolve(Everything, {"width": 1, "likelihood": "Poisson", "channels": [1, "x"]}, "vae")
    assert "width=1" in raised.value.message
    assert "likelihood='Poisson': input should be 'bernoulli' or 'gaussian'" in raised.value.message
    assert "channels.1='x'" in raised.value.message
    assert raised.value.hint == "channels: of each block. likelihood: of a pixel. width: channels, in [8, 512]."


def test_a_rule_over_several_options_is_told_without_the_whole_input():
    with pytest.raises(UsageError) as raised:
        resolve(Everything, {"flip": True, "likelihood": "gaussian", "width": 8}, "vae")
    assert raised.value.message == "Bad option of vae: with flip and gaussian, width must be at least 16."


def test_options_are_frozen():
    with pytest.raises(ValidationError, match="frozen"):
        Everything().width = 9


everything = st.builds(
    Everything,
    width=st.integers(16, 512),
    rate=st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    likelihood=st.sampled_from(["bernoulli", "gaussian"]),
    norm=st.sampled_from(Norm),
    flip=st.booleans(),
    depth=st.none() | st.integers(1, 2**63 - 1),
    channels=st.lists(st.integers(-9, 9)).map(tuple),
    note=st.text(),
    weights=st.none() | st.just(Path("some/file")),
)


@given(everything)
def test_options_come_back_from_toml_as_they_were(tmp_path_factory: pytest.TempPathFactory, options: Everything):
    file = tmp_path_factory.getbasetemp() / "options.toml"
    file.write_bytes(write_toml({"model": options}).encode())
    assert resolve(Everything, read_toml(file)["model"], "vae") == options


@pytest.mark.parametrize("content", [b"width = ", b"\xff\xfe", b"a = 1\na = 2", b"x = " + b"[" * 100_000])
def test_what_is_not_toml_is_told_with_its_path(tmp_path: Path, content: bytes):
    (tmp_path / "run.toml").write_bytes(content)
    with pytest.raises(UsageError, match=r"run\.toml' is not a TOML file"):
        read_toml(tmp_path / "run.toml")


def test_a_missing_file_and_a_folder_are_told_with_their_path(tmp_path: Path):
    with pytest.raises(UsageError, match=r"'.*none\.toml': No such file"):
        read_toml(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="Is a directory"):
        read_toml(tmp_path)


def test_tables_are_those_that_are_expected(tmp_path: Path):
    file = tmp_path / "run.toml"
    file.write_text("[model]\nwidth = 8\n")
    assert read_tables(file, ("model", "training")) == {"model": {"width": 8}, "training": {}}
    file.write_text("[modle]\nwidth = 8\n")
    with pytest.raises(UsageError, match="Did you mean 'model'"):
        read_tables(file, ("model", "training"))
    file.write_text("model = 8\n")
    with pytest.raises(UsageError, match=r"'model' in '.*run\.toml' must be a table, received 8"):
        read_tables(file, ("model", "training"))
