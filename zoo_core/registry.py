"""Finding model plugins: lazily, and guarded, so that one broken package never stops the others."""

import importlib
import importlib.metadata
import os
import sys
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

import pluggy

from zoo_core import hookspecs
from zoo_core.errors import UsageError, ZooError, unknown
from zoo_core.specs import API_VERSION, TASKS, ModelSpec

if TYPE_CHECKING:
    from zoo_core.models import GenerativeModel
    from zoo_core.options import Options

NO_MODELS = "No model is installed. From a clone of the project: pip install ./plugins/dcgan"


class BrokenPluginWarning(UserWarning):
    """One line about a plugin that could not be used."""


@dataclass(frozen=True)
class Plugin:
    """One entry point of the group `zoo_core`: what it brought, or why it could not be used.

    Attributes:
        name: the entry point's name.
        distribution: the package that declares it, as on the package index.
        models: the specs that it yielded, also where the plugin turned out broken.
        error: None, or one line that says what is wrong.
        disabled: True where `ZOO_DISABLED_PLUGINS` names it or its distribution.
    """

    name: str
    distribution: str
    version: str
    models: tuple[ModelSpec, ...] = ()
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
        return f"Mend or upgrade it, or 'pip uninstall {self.distribution}', or set ZOO_DISABLED_PLUGINS={self.name}."

    def may_bring(self, model: str) -> bool:
        """Whether this is the plugin of that model; by its own name where it could not tell its models."""
        names = {self.name, self.distribution, self.distribution.removeprefix("zoo-")}
        return model in names | {spec.name for spec in self.models}


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
        with self._guarded():
            model = _resolve(self.spec.target)
            missing = {m for task in self.spec.tasks for m in TASKS[task] if not callable(getattr(model, m, None))}
            if missing:
                raise TypeError(f"for the tasks {sorted(self.spec.tasks)} {self.spec.target} lacks {sorted(missing)}")
        return model, self.load_options()

    def load_options(self) -> type["Options"]:
        """Import the options' class alone, which needs no Keras. Raises as `load` does."""
        from zoo_core.options import Options  # pydantic takes longer than everything else that a listing needs

        with self._guarded():
            options = _resolve(self.spec.options)
            if not (isinstance(options, type) and issubclass(options, Options)):
                raise TypeError(f"{self.spec.options} must be a subclass of zoo_core.Options, received {options!r}")
        return options

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            with _stdout_kept_for_data():
                yield
        except (Exception, SystemExit) as error:
            raise ZooError(
                f"Model '{self.spec.name}' of {self.plugin} can't be loaded: {_one_line(error)}.", self.plugin.advice
            ) from error


class Registry:
    """Every model of every installed plugin.

    Args:
        entry_points: those to look at; by default the installed ones of the group `zoo_core`.
        disabled: entry-point or distribution names to leave out.
        strict: raise for a broken plugin instead of remembering it.

    Raises:
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
        self.plugins: list[Plugin] = []
        for entry_point in sorted(entry_points, key=lambda e: (_distribution(e), e.name)):
            plugin = self._inspect(entry_point)
            self.plugins.append(plugin)
            if plugin.state == "ok":
                self.models |= {spec.name: RegisteredModel(spec, plugin) for spec in plugin.models}

    def model(self, name: str) -> RegisteredModel:
        """The model of this name.

        Raises:
            ZooError: where the plugin that should bring it is broken.
            UsageError: where that plugin is disabled, or no plugin brings it; names the nearest one.
        """
        if name in self.models:
            return self.models[name]
        for plugin in self.plugins:
            if plugin.disabled and plugin.may_bring(name):
                raise UsageError(f"Model '{name}' of {plugin} is disabled.", "Take it out of ZOO_DISABLED_PLUGINS.")
            if plugin.error and plugin.may_bring(name):
                raise ZooError(
                    f"Model '{name}' can't be used: its plugin {plugin} is broken ({plugin.error}).", plugin.advice
                )
        raise unknown("model", name, self.models, "" if self.models else NO_MODELS)

    def _inspect(self, entry_point: importlib.metadata.EntryPoint) -> Plugin:
        plugin = Plugin(entry_point.name, *_distribution(entry_point))
        if self._disabled & {plugin.name, plugin.distribution}:
            return replace(plugin, disabled=True)
        try:
            with _stdout_kept_for_data():
                plugin = replace(plugin, models=_specs_of(entry_point))
            self._check(plugin.models)
        except (Exception, SystemExit) as error:
            plugin = replace(plugin, error=_one_line(error))
            problem = f"plugin '{plugin.name}' ({plugin}) is broken"
            if self._strict:
                raise ZooError(f"{problem}: {plugin.error}.", plugin.advice) from error
            warnings.warn(f"{problem} and left out: {plugin.error}", BrokenPluginWarning, stacklevel=2)
        return plugin

    def _check(self, specs: Iterable[ModelSpec]) -> None:
        names = set()
        for spec in specs:
            if spec.api_version != API_VERSION:
                older = "the plugin" if spec.api_version < API_VERSION else "zoo-core"
                raise ValueError(
                    f"model '{spec.name}' speaks plugin API {spec.api_version}, this zoo_core speaks {API_VERSION}; "
                    f"upgrade {older}"
                )
            if spec.name in self.models:
                raise ValueError(f"model '{spec.name}' is already taken by {self.models[spec.name].plugin}")
            if spec.name in names:
                raise ValueError(f"model '{spec.name}' is there twice")
            names.add(spec.name)


@cache
def registry() -> Registry:
    """The registry of this process, set up from `ZOO_DISABLED_PLUGINS` and `ZOO_STRICT_PLUGINS`."""
    disabled = [name.strip() for name in os.environ.get("ZOO_DISABLED_PLUGINS", "").split(",") if name.strip()]
    return Registry(disabled=disabled, strict=os.environ.get("ZOO_STRICT_PLUGINS") == "1")


def _specs_of(entry_point: importlib.metadata.EntryPoint) -> tuple[ModelSpec, ...]:
    """Import one plugin and call its hook; a manager of its own keeps it from touching the others."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(entry_point.load(), entry_point.name)
    manager.check_pending()  # a misspelt hook is an error, not a silence
    specs = tuple(spec for specs in manager.hook.zoo_models() for spec in specs)
    if not specs:
        raise TypeError(f"{entry_point.value} has no @zoo_core.hookimpl function zoo_models that yields a ModelSpec")
    for spec in specs:
        if not isinstance(spec, ModelSpec):
            raise TypeError(f"zoo_models must yield ModelSpec records, received {spec!r}")
    return specs


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
