"""Typed options: default < TOML file < `-o key=value`, every name and bound checked."""

import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from zoo_core.errors import UsageError, unknown


class Options(BaseModel):
    """The base of every set of options. State bounds and units in each field: `Field(64, ge=8, description="…")`.

    TOML knows no None: a field that may be None has None as its default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False)


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
        values[key.strip()] = _parse_value(text.strip())
    return values


def _parse_value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):  # not TOML, or digits and brackets without end
        return text
    return parsed["value"] if len(parsed) == 1 else text


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        UsageError: if it is missing or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"Can't read the configuration '{path}': {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"'{path}' is not a TOML file: {error}.") from error


def read_tables(path: Path, names: Collection[str]) -> dict[str, dict[str, Any]]:
    """Read a TOML file that holds nothing but these tables; those it lacks come out empty.

    Raises:
        UsageError: as `read_toml`, and for anything else in the file.
    """
    content = read_toml(path)
    for name, table in content.items():
        if name not in names:
            raise unknown(f"table of '{path}'", name, names)
        if not isinstance(table, dict):
            raise UsageError(f"'{name}' in '{path}' must be a table, received {table!r}.", f"For example: [{name}]")
    return {name: content.get(name, {}) for name in names}


def write_toml(tables: Mapping[str, Options]) -> str:
    """The options as a TOML text that `read_toml` and `resolve` give back unchanged; what is None is left out."""
    return tomli_w.dumps({name: options.model_dump(mode="json", exclude_none=True) for name, options in tables.items()})


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
        problems = "; ".join(map(_problem, error.errors()))
        fields = sorted({str(e["loc"][0]) for e in error.errors() if e["loc"]})
        hints = [f"{name}: {cls.model_fields[name].description}." for name in fields]
        raise UsageError(f"Bad option of {owner}: {problems}.", " ".join(hints)) from error


def _problem(error: ErrorDetails) -> str:
    message = error["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    if not error["loc"]:  # a rule over several options
        return message
    return f"{'.'.join(map(str, error['loc']))}={error['input']!r}: {message}"
