"""Typed options: default < TOML file < `-o key=value`, every name and bound checked."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError

from zoo_core.errors import UsageError, unknown


class Options(BaseModel):
    """The base of every set of options. State bounds and units in each field: `Field(64, ge=8, description="…")`."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


AnyOptions = TypeVar("AnyOptions", bound=Options)


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """`["width=32", "likelihood=gaussian"]` as a dict. Values are TOML, or else plain strings.

    Raises:
        UsageError: where an assignment has no `=` or no key.
    """
    values = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"An option must read key=value, received '{assignment}'.", "For example: -o width=32")
        try:
            values[key.strip()] = tomllib.loads(f"value = {text}")["value"]
        except (tomllib.TOMLDecodeError, KeyError):
            values[key.strip()] = text.strip()
    return values


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        UsageError: if it is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"Can't read the configuration '{path}': {error.strerror}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"'{path}' is not a TOML file: {error}.") from error


def write_toml(tables: Mapping[str, Options]) -> str:
    """The options as a TOML text that `read_toml` and `resolve` give back unchanged; what is None is left out."""
    return tomli_w.dumps({name: options.model_dump(exclude_none=True) for name, options in tables.items()})


def resolve(cls: type[AnyOptions], values: Mapping[str, Any], owner: str) -> AnyOptions:
    """The options of `owner` (a name for messages) from these values, defaults for the rest.

    Raises:
        UsageError: for an unknown name (with the nearest one) or a value out of bounds (with the bounds).
    """
    for key in values:
        if key not in cls.model_fields:
            raise unknown(f"option of {owner}", key, cls.model_fields)
    try:
        return cls(**values)
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, e['loc']))}={e['input']!r}: {e['msg'].lower()}" for e in error.errors()]
        fields = {str(e["loc"][0]) for e in error.errors() if e["loc"]}
        hints = [f"{name}: {cls.model_fields[name].description}" for name in sorted(fields) if name in cls.model_fields]
        raise UsageError(f"Bad option of {owner}: {'; '.join(problems)}.", " ".join(hints)) from error
