"""Finding plugins: lazily, and guarded, so that one broken package never stops the others."""

import importlib
import importlib.metadata
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import pluggy

from zoo_core import hookspecs
from zoo_core.errors import UsageError, ZooError, unknown
from zoo_core.specs import API_VERSION, TASKS, DataSpec, FeatureSpec, ModelSpec

if TYPE_CHECKING:
    from zoo_core.models import GenerativeModel
    from zoo_core.options import Options

Spec = ModelSpec | FeatureSpec
Registered = TypeVar("Registered", "RegisteredModel", "RegisteredFeatures")

CORE = "zoo-core"
"""The distribution whose own plugin is always looked at first, so that no other can take the names that it brings."""

NO_MODELS = "No model is installed. From a clone of the project: pip install ./plugins/dcgan"
NO_CORE = (
    "zoo-core's own entry point is not installed. Install zoo-core anew; in a clone of the project: pip install -e ."
)


class BrokenPluginWarning(UserWarning):
    """One line about a plugin that could not be used."""


@dataclass(frozen=True)
class Plugin:
    """One entry point of the group `zoo_core`: what it brought, or why it could not be used.

    Attributes:
        name: the entry point's name.
        distribution: the package that declares it, as on the package index.
        models, features: the specs that it yielded, also where the plugin turned out broken.
        error: None, or one line that says what is wrong.
        disabled: True where `ZOO_DISABLED_PLUGINS` names it or its distribution.
    """

    name: str
    distribution: str
    version: str
    models: tuple[ModelSpec, ...] = ()
    features: tuple[FeatureSpec, ...] = ()
    error: str | None = None
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
        return f"Mend or upgrade it, or 'pip uninstall {self.distribution}', or set ZOO_DISABLED_PLUGINS={self.name}."

    def may_bring(self, name: str) -> bool:
        """Whether this is the plugin of what is so called; by its own name where it could not tell what it brings."""
        specs: tuple[Spec, ...] = (*self.models, *self.features)
        return name in {self.name, self.distribution, self.distribution.removeprefix("zoo-")} | {s.name for s in specs}

    @contextmanager
    def guarded(self, what: str) -> Iterator[None]:
        """Run the plugin's code so that whatever it raises is told of `what` and of the plugin.

        Raises:
            ZooError: for every exception; one that is a `ZooError` already stays as it is.
        """
        try:
            with _stdout_kept_for_data():
                yield
        except ZooError:
            raise
        except (Exception, SystemExit) as error:
            raise ZooError(f"{what} of {self} can't be loaded: {_one_line(error)}.", self.advice) from error


@dataclass(frozen=True)
class RegisteredModel:
    """A model's spec and the plugin that it came from."""

    spec: ModelSpec
    plugin: Plugin

    def load(self) -> tuple[type["GenerativeModel"], type["Options"]]:
        """Import the model's class and its options' class.

        Raises:
            ZooError: where the plugin's code fails, or lacks what its spec promises.
        """
        with self.plugin.guarded(f"Model '{self.spec.name}'"):
            model = _resolve(self.spec.target)
            missing = {part for task in self.spec.tasks for part in TASKS[task] if not hasattr(model, part)}
            if missing:
                raise TypeError(f"for the tasks {sorted(self.spec.tasks)} {self.spec.target} lacks {sorted(missing)}")
        return model, self.load_options()

    def load_options(self) -> type["Options"]:
        """Import the options' class alone, which needs no Keras. Raises as `load` does."""
        from zoo_core.options import Options  # pydantic takes longer than everything else that a listing needs

        with self.plugin.guarded(f"Model '{self.spec.name}'"):
            options = _resolve(self.spec.options)
            if not (isinstance(options, type) and issubclass(options, Options)):
                raise TypeError(f"{self.spec.options} must be a subclass of zoo_core.Options, received {options!r}")
        return options


@dataclass(frozen=True)
class RegisteredFeatures:
    """A feature network's spec and the plugin that it came from."""

    spec: FeatureSpec
    plugin: Plugin

    def load(self) -> Callable[[DataSpec, Path | None], Any]:
        """Import what opens the network. Whether that is one, `zoo_core.features.load_features` checks.

        Raises:
            ZooError: where the plugin's code fails, or what its spec names can't be called.
        """
        with self.guarded():
            function = _resolve(self.spec.target)
            if not callable(function):
                raise TypeError(f"{self.spec.target} must be a function, received {function!r}")
        return function

    def guarded(self) -> AbstractContextManager[None]:
        """Run the plugin's code so that its errors name it; see `Plugin.guarded`."""
        return self.plugin.guarded(f"Feature network '{self.spec.name}'")


class Registry:
    """Every model and every feature network of every installed plugin.

    Args:
        entry_points: those to look at; by default the installed ones of the group `zoo_core`.
        disabled: entry-point or distribution names to leave out.
        strict: raise for a broken plugin instead of remembering it.

    Raises:
        UsageError: where `disabled` names the core's own plugin.
        ZooError: for a broken plugin, where `strict`.
    """

    def __init__(
        self,
        entry_points: Iterable[importlib.metadata.EntryPoint] | None = None,
        disabled: Iterable[str] = (),
        strict: bool = False,
    ) -> None:
        if entry_points is None:
            entry_points = importlib.metadata.entry_points(group=hookspecs.PROJECT)
        self._disabled = set(disabled)
        self._strict = strict
        self.models: dict[str, RegisteredModel] = {}
        self.features: dict[str, RegisteredFeatures] = {}
        self.plugins: list[Plugin] = []
        for entry_point in sorted(entry_points, key=_order):
            plugin = self._inspect(entry_point)
            self.plugins.append(plugin)
            if plugin.state == "ok":
                self.models |= {spec.name: RegisteredModel(spec, plugin) for spec in plugin.models}
                self.features |= {spec.name: RegisteredFeatures(spec, plugin) for spec in plugin.features}

    def model(self, name: str) -> RegisteredModel:
        """The model of this name.

        Raises:
            ZooError: where the plugin that should bring it is broken.
            UsageError: where that plugin is disabled, or no plugin brings it; names the nearest one.
        """
        return self._find("model", name, self.models, "" if self.models else NO_MODELS)

    def feature_network(self, name: str) -> RegisteredFeatures:
        """The feature network of this name. Raises as `model` does."""
        whole = any(plugin.distribution == CORE for plugin in self.plugins)
        return self._find("feature network", name, self.features, "" if whole else NO_CORE)

    def _find(self, kind: str, name: str, found: Mapping[str, Registered], hint: str = "") -> Registered:
        if name in found:
            return found[name]
        for plugin in self.plugins:
            if plugin.disabled and plugin.may_bring(name):
                raise UsageError(
                    f"{kind.capitalize()} '{name}' of {plugin} is disabled.", "Take it out of ZOO_DISABLED_PLUGINS."
                )
            if plugin.error and plugin.may_bring(name):
                raise ZooError(
                    f"{kind.capitalize()} '{name}' can't be used: its plugin {plugin} is broken ({plugin.error}).",
                    plugin.advice,
                )
        raise unknown(kind, name, found, hint)

    def _inspect(self, entry_point: importlib.metadata.EntryPoint) -> Plugin:
        plugin = Plugin(entry_point.name, *_distribution(entry_point))
        if self._disabled & {plugin.name, plugin.distribution}:
            if plugin.distribution == CORE:
                raise UsageError(
                    "zoo-core's own plugin can't be disabled: it brings the feature networks that scores stand on.",
                    "Take it out of ZOO_DISABLED_PLUGINS.",
                )
            return replace(plugin, disabled=True)
        try:
            with _stdout_kept_for_data():
                models, features = _specs_of(entry_point)
            plugin = replace(plugin, models=models, features=features)
            self._check("model", models, self.models)
            self._check("feature network", features, self.features)
        except (Exception, SystemExit) as error:
            plugin = replace(plugin, error=_one_line(error))
            problem = f"plugin '{plugin.name}' ({plugin}) is broken"
            if self._strict:
                raise ZooError(f"{problem}: {plugin.error}.", plugin.advice) from error
            warnings.warn(f"{problem} and left out: {plugin.error}", BrokenPluginWarning, stacklevel=2)
        return plugin

    def _check(
        self, kind: str, specs: Iterable[Spec], taken: Mapping[str, RegisteredModel | RegisteredFeatures]
    ) -> None:
        names = set()
        for spec in specs:
            if spec.api_version != API_VERSION:
                older = "the plugin" if spec.api_version < API_VERSION else "zoo-core"
                raise ValueError(
                    f"{kind} '{spec.name}' speaks plugin API {spec.api_version}, this zoo_core speaks {API_VERSION}; "
                    f"upgrade {older}"
                )
            if spec.name in taken:
                raise ValueError(f"{kind} '{spec.name}' is already taken by {taken[spec.name].plugin}")
            if spec.name in names:
                raise ValueError(f"{kind} '{spec.name}' is there twice")
            names.add(spec.name)


@cache
def registry() -> Registry:
    """The registry of this process, set up from `ZOO_DISABLED_PLUGINS` and `ZOO_STRICT_PLUGINS`."""
    disabled = [name.strip() for name in os.environ.get("ZOO_DISABLED_PLUGINS", "").split(",") if name.strip()]
    return Registry(disabled=disabled, strict=os.environ.get("ZOO_STRICT_PLUGINS") == "1")


def _specs_of(entry_point: importlib.metadata.EntryPoint) -> tuple[tuple[ModelSpec, ...], tuple[FeatureSpec, ...]]:
    """Import one plugin and call its hooks; a manager of its own keeps it from touching the others."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(entry_point.load(), entry_point.name)
    manager.check_pending()  # a misspelt hook is an error, not a silence
    models = tuple(spec for specs in manager.hook.zoo_models() for spec in specs)
    features = tuple(spec for specs in manager.hook.zoo_features() for spec in specs)
    for hook, specs, record in (("zoo_models", models, ModelSpec), ("zoo_features", features, FeatureSpec)):
        for spec in specs:
            if not isinstance(spec, record):
                raise TypeError(f"{hook} must yield {record.__name__} records, received {spec!r}")
    if not (models or features):
        raise TypeError(
            f"{entry_point.value} has no @zoo_core.hookimpl function zoo_models that yields a ModelSpec, "
            "nor zoo_features that yields a FeatureSpec"
        )
    return models, features


def _order(entry_point: importlib.metadata.EntryPoint) -> tuple:
    """The core's own plugin first, so that its names are taken, and the others by distribution."""
    distribution, version = _distribution(entry_point)
    return distribution != CORE, distribution, version, entry_point.name


def _distribution(entry_point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    """The name and version of the package that declares it, as far as its metadata can be read."""
    metadata: Any = entry_point.dist.metadata if entry_point.dist else {}
    return metadata.get("Name", "unknown"), metadata.get("Version", "unknown")


def _stdout_kept_for_data() -> redirect_stdout:
    """What a plugin prints while it is imported goes to stderr, so that `--json` stays JSON."""
    return redirect_stdout(sys.stderr)


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _resolve(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
