"""A model in one file, which the user names: for the first ten minutes of an idea, before there is a package."""

import hashlib
import sys
import types
from pathlib import Path

from zoo_core.discovery import Plugin, one_line
from zoo_core.errors import UsageError
from zoo_core.isolation import isolated
from zoo_core.registered import RegisteredModel, resolve
from zoo_core.specs import TASKS, ModelSpec


def open_model_file(path: Path) -> RegisteredModel:
    """Run a file, and find the model in it.

    The file defines one `GenerativeModel`, and its `Options` where it has any. The model is called as the file, its
    tasks are those whose methods it has, and `LABELS = "required"` in the file makes it conditional.

    Raises:
        UsageError: where the file can't be run, or there is not one model in it.
    """
    module, version = _run(path)
    model = _only(module, "zoo_core.models:GenerativeModel", path)
    if model is None:
        raise UsageError(
            f"'{path}' defines no model: expected one subclass of zoo_core.models.GenerativeModel.",
            "docs/plugins.md shows one.",
        )
    tasks = {task for task, parts in TASKS.items() if all(hasattr(model, part) for part in parts)}
    lacking = sorted(getattr(model, "__abstractmethods__", ())) or ([] if tasks else ["sample"])
    if lacking:
        raise UsageError(f"{model.__name__} in '{path}' lacks {', '.join(lacking)}.", "docs/plugins.md tells of each.")
    options = _only(module, "zoo_core.options:Options", path)
    try:
        spec = ModelSpec(
            name=path.stem,
            summary=(model.__doc__ or "").strip().partition("\n")[0],
            target=f"{module.__name__}:{model.__name__}",
            options=f"{module.__name__}:{options.__name__}" if options else "zoo_core:Options",
            tasks=tasks,
            labels=getattr(module, "LABELS", "ignored"),
        )
    except ValueError as error:
        raise UsageError(f"'{path}' can't be a model: {error}.", "Its name is that of the file.") from error
    return RegisteredModel(spec, Plugin(path.stem, path.name, version, (spec,)))


def module_name(path: Path) -> str:
    """What the file is called as a module."""
    return f"zoo_model_file_{path.stem.replace('-', '_')}"


def _run(path: Path) -> tuple[types.ModuleType, str]:
    """The file as a module, and the hash of what was run."""
    if path.suffix != ".py":
        raise UsageError(f"A file with a model must end in .py, received '{path}'.")
    try:
        source = path.read_bytes()
    except OSError as error:
        raise UsageError(f"Can't read '{path}': {error.strerror}.") from error
    module = types.ModuleType(module_name(path))
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # where its classes look for what their annotations name
    try:
        with isolated():
            exec(compile(source, path, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        raise UsageError(f"'{path}' can't be run: {one_line(error)}.", "'zoo --debug …' shows where.") from error
    return module, f"sha256:{hashlib.sha256(source).hexdigest()[:12]}"


def _only(module: types.ModuleType, base: str, path: Path) -> type | None:
    """The subclass of `base` that the module defines, other than those that it only builds upon."""
    found = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, resolve(base)) and value.__module__ == module.__name__
    ]
    last = [each for each in dict.fromkeys(found) if not any(each in other.__bases__ for other in found)]  # no aliases
    if len(last) > 1:
        names = ", ".join(each.__name__ for each in last)
        raise UsageError(f"'{path}' must define one {base.partition(':')[2]}, received {names}.", "Split the file.")
    return last[0] if last else None
