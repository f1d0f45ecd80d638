"""Checks of what a plugin tells before any of its networks is built."""

import subprocess
import sys
import tomllib
from typing import Any

from pydantic import ValidationError

from zoo_core.options import Options, resolve, write_toml
from zoo_core.testing.checked import Checked
from zoo_core.testing.results import CheckFailed, CheckSkipped
from zoo_core.testing.subject import Subject

HEAVY = ("keras", "jax", "torch", "tensorflow")

LOAD_ENTRY_POINT = f"""
import sys
from importlib.metadata import entry_points
from zoo_core.registry import Registry
plugin, distribution = sys.argv[1:]
found = [point for point in entry_points(group="zoo_core", name=plugin) if point.dist.name == distribution]
Registry(found)
print()
print(len(found), *[module for module in {HEAVY} if module in sys.modules])
"""


def entry_module_imports_no_keras(subject: Checked[Any]) -> None:
    """Whatever is installed is imported by every command: an entry module that imports Keras costs each of them
    seconds."""
    plugin = subject.registered.plugin
    command = [sys.executable, "-W", "ignore", "-c", LOAD_ENTRY_POINT, plugin.name, plugin.distribution]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    count, *imported = done.stdout.splitlines()[-1].split()
    if count == "0":
        raise CheckSkipped(f"{plugin} is not an installed package")
    if imported:
        raise CheckFailed(
            "an entry module that imports no Keras and no backend",
            f"importing '{plugin.name}' of {plugin} imports {', '.join(imported)}",
            "move the model and whatever needs Keras to modules of their own, which the spec names as text",
        )


def options_survive_toml(subject: Subject) -> None:
    """A run keeps its options in a TOML file and reads them again, to sample and to resume."""
    cls = subject.registered.load_options()
    owner = f"model '{subject.name}'"
    for options in (resolve(cls, subject.given, owner), subject.options):
        read = resolve(cls, tomllib.loads(write_toml({"model": options})).get("model", {}), owner)
        for name in cls.model_fields:
            before, after = getattr(options, name), getattr(read, name)
            if before != after:
                raise CheckFailed(
                    "options that a TOML file gives back as they were",
                    f"'{name}' was {before!r} and came back as {after!r}",
                    "let validators leave a valid value as it is, and exclude no field",
                )
    for name, field in cls.model_fields.items():
        if field.default is not None and _takes_none(cls, subject, name):
            raise CheckFailed(
                "None as the default of an option that may be None, since TOML has no None",
                f"'{name}' may be None, and its default is {field.default!r}",
                f"make None the default of '{name}', or do not allow it",
            )


def unknown_options_are_refused(subject: Subject) -> None:
    """A misspelt option that is taken in silence is a wrong experiment."""
    cls = subject.registered.load_options()
    try:
        cls(**{**subject.given, "no_such_option": 1})
    except ValidationError:
        return
    raise CheckFailed(
        "options that refuse a name that they do not know",
        f"{cls.__name__}(no_such_option=1) was taken",
        "derive it from zoo_core.Options, and leave `extra` out of its model_config",
    )


def _takes_none(cls: type[Options], subject: Subject, name: str) -> bool:
    try:
        cls(**{**subject.given, name: None})
    except ValidationError:
        return False
    return True


CHECKS = (entry_module_imports_no_keras, options_survive_toml, unknown_options_are_refused)
