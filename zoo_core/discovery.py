"""One plugin: the entry point that it is, what it brings, and what is wrong with it."""

import importlib.metadata
import importlib.util
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any, Literal

import pluggy

from zoo_core import hookspecs
from zoo_core.errors import ZooError
from zoo_core.isolation import isolated
from zoo_core.specs import API_VERSION, OLDEST_API_VERSION, DatasetSpec, FeatureSpec, MetricSpec, ModelSpec

Spec = ModelSpec | FeatureSpec | DatasetSpec | MetricSpec

RECORDS: Mapping[str, type[Spec]] = {
    "models": ModelSpec,
    "features": FeatureSpec,
    "datasets": DatasetSpec,
    "metrics": MetricSpec,
}
"""What a plugin may bring, by the attribute of `Plugin` that holds it: the record that the hook `zoo_…` yields."""

CORE = "zoo-core"
"""The distribution whose own plugin is always looked at first, so that no other can take the names that it brings."""


@dataclass(frozen=True)
class Plugin:
    """One entry point of the group `zoo_core`: what it brought, or why it could not be used. Or one file with a model.

    Attributes:
        name: the entry point's name; of a file, its name without `.py`.
        distribution: the package that declares it, as on the package index; of a file, its name.
        version: of the package; of a file, `sha256:` and the first 12 digits of its hash.
        models, features, datasets, metrics: the specs that it yielded, also where the plugin turned out broken.
        error: None, or one line that says what is wrong.
        notes: what it does that it should not, a line each; it can be used nevertheless.
        disabled: True where `ZOO_DISABLED_PLUGINS` names it or its distribution.
    """

    name: str
    distribution: str
    version: str
    models: tuple[ModelSpec, ...] = ()
    features: tuple[FeatureSpec, ...] = ()
    datasets: tuple[DatasetSpec, ...] = ()
    metrics: tuple[MetricSpec, ...] = ()
    error: str | None = None
    notes: tuple[str, ...] = ()
    disabled: bool = False

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"

    @property
    def state(self) -> Literal["ok", "disabled", "broken"]:
        if self.disabled:
            return "disabled"
        return "broken" if self.error else "ok"

    @property
    def advice(self) -> str:
        if self.distribution == CORE:
            return "Install zoo-core anew; in a clone of the project: pip install -e ."
        if is_file(self.distribution):
            return f"Mend {self.distribution}."
        return f"Mend or upgrade it, or 'pip uninstall {self.distribution}', or set ZOO_DISABLED_PLUGINS={self.name}."

    @property
    def specs(self) -> tuple[Spec, ...]:
        return (*self.models, *self.features, *self.datasets, *self.metrics)

    def may_bring(self, name: str) -> bool:
        """Whether this is the plugin of what is so called; by its own name where it could not tell what it brings."""
        distribution, _, plain = name.rpartition(":")
        own = {self.name, self.distribution, self.distribution.removeprefix("zoo-"), *(s.name for s in self.specs)}
        return distribution in ("", self.distribution) and plain in own

    def outdated(self) -> list[str]:
        """What is of an older version of the contract, a line each."""
        return [
            f"speaks plugin API {spec.api_version} in '{spec.name}', which a later zoo-core will not understand; "
            f"upgrade {self.distribution}"
            for spec in self.specs
            if spec.api_version < API_VERSION
        ]

    def dangling(self) -> list[str]:
        """The modules that its specs point to and that are not there, a line each. Looked for, and not imported."""
        users: dict[str, list[str]] = {}
        for spec in self.specs:
            for reference in spec.references:
                users.setdefault(reference.partition(":")[0], []).append(f"'{spec.name}'")
        return [
            f"points to {module} in {', '.join(dict.fromkeys(names))}, and there is no such module"
            for module, names in users.items()
            if not _is_there(module)
        ]

    @contextmanager
    def guarded(self, what: str, failing: str = "can't be loaded") -> Iterator[None]:
        """Run the plugin's code isolated, and so that whatever it raises is told of `what` and of the plugin.

        Raises:
            ZooError: for every exception; one that is a `ZooError` already stays as it is.
        """
        try:
            with isolated():
                yield
        except ZooError:
            raise
        except (Exception, SystemExit) as error:
            raise ZooError(f"{what} of {self} {failing}: {one_line(error)}.", self.advice) from error


def is_file(distribution: str) -> bool:
    """Whether a model came from one file, and from no package."""
    return distribution.endswith(".py")


def in_order(entry_points: Iterable[importlib.metadata.EntryPoint]) -> list[importlib.metadata.EntryPoint]:
    """The core's own plugin first, so that its names are taken, and the others by distribution."""

    def key(entry_point: importlib.metadata.EntryPoint) -> tuple:
        distribution, version = distribution_of(entry_point)
        return distribution != CORE, distribution, version, entry_point.name

    return sorted(entry_points, key=key)


def distribution_of(entry_point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    """The name and version of the package that declares it, as far as its metadata can be read."""
    metadata: Any = entry_point.dist.metadata if entry_point.dist else {}
    return metadata.get("Name", "unknown"), metadata.get("Version", "unknown")


def specs_of(entry_point: importlib.metadata.EntryPoint) -> dict[str, tuple[Any, ...]]:
    """Import one plugin and call its hooks; a manager of its own keeps it from touching the others.

    Returns:
        Under each key of `RECORDS` what the plugin brings of that kind.

    Raises:
        Exception: whatever the plugin raises, and for what is not as the hooks ask for it.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(entry_point.load(), entry_point.name)
    manager.check_pending()  # a misspelt hook is an error, not a silence
    found = {}
    for kind, record in RECORDS.items():
        hook = f"zoo_{kind}"
        found[kind] = tuple(spec for specs in getattr(manager.hook, hook)() for spec in specs)
        for spec in found[kind]:
            if not isinstance(spec, record):
                raise TypeError(f"{hook} must yield {record.__name__} records, received {spec!r}")
    if not any(found.values()):
        hooks = [f"zoo_{kind} that yields a {record.__name__}" for kind, record in RECORDS.items()]
        raise TypeError(f"{entry_point.value} has no @zoo_core.hookimpl function {', nor '.join(hooks)}")
    return found


def check_specs(specs: Iterable[Spec], distribution: str) -> None:
    """Raises ValueError for a version of the contract that this core does not speak, and a name that is there twice."""
    names = set()
    for spec in specs:
        kind = spec.kind
        if not OLDEST_API_VERSION <= spec.api_version <= API_VERSION:
            older = CORE if spec.api_version > API_VERSION else distribution
            raise ValueError(
                f"{kind} '{spec.name}' speaks plugin API {spec.api_version}, this zoo_core speaks {API_VERSION}; "
                f"upgrade {older}"
            )
        if (kind, spec.name) in names:
            raise ValueError(f"{kind} '{spec.name}' is there twice")
        names.add((kind, spec.name))


def _is_there(module: str) -> bool:
    """Looks for the module's file; `find_spec` alone would import the packages that it is in."""
    package, *inner = module.split(".")
    spec = importlib.util.find_spec(package)
    for name in inner:
        if spec is None:
            break
        package = f"{package}.{name}"
        spec = PathFinder.find_spec(package, spec.submodule_search_locations or [])
    return spec is not None


def one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def raised_in(error: BaseException) -> str:
    """The last line of a plugin that an exception came through, "zoo_gmmn/model.py, line 12"; empty if it was none."""
    packages = {each.module.partition(".")[0] for each in importlib.metadata.entry_points(group=hookspecs.PROJECT)}
    for frame, line in reversed(list(traceback.walk_tb(error.__traceback__))):
        package = frame.f_globals.get("__name__", "").partition(".")[0]
        if package in packages - {"zoo_core"} or package.startswith("zoo_model_file_"):
            return f"{'/'.join(Path(frame.f_code.co_filename).parts[-2:])}, line {line}"
    return ""
