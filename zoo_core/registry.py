"""Finding model plugins: lazily, and guarded, so that one broken package never stops the others."""

import importlib
import importlib.metadata
import os
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import pluggy

from zoo_core import hookspecs
from zoo_core.errors import UsageError, ZooError, unknown
from zoo_core.specs import API_VERSION, TASKS, ModelSpec

if TYPE_CHECKING:
    from zoo_core.models import GenerativeModel
    from zoo_core.options import Options


class BrokenPluginWarning(UserWarning):
    """One line about a plugin that could not be used."""


@dataclass
class Plugin:
    """One entry point of the group `zoo_core`: what it brought, or why it could not be used.

    Attributes:
        name: the entry point's name.
        distribution: the package that declares it, as on the package index.
        models: the specs that it yielded, readable even where the plugin turned out broken.
        error: None, or one line that says what is wrong.
        disabled: True where `ZOO_DISABLED_PLUGINS` names it or its distribution.
    """

    name: str
    distribution: str
    version: str
    models: list[ModelSpec] = field(default_factory=list)
    error: str | None = None
    disabled: bool = False

    @property
    def advice(self) -> str:
        return f"Mend or upgrade it, or 'pip uninstall {self.distribution}', or set ZOO_DISABLED_PLUGINS={self.name}."


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
        try:
            model = _resolve(self.spec.target)
            options = _resolve(self.spec.options)
        except ZooError:
            raise
        except Exception as error:
            raise ZooError(
                f"Model '{self.spec.name}' of {self.plugin.distribution} {self.plugin.version} can't be loaded: "
                f"{type(error).__name__}: {error}.",
                self.plugin.advice,
            ) from error
        missing = {m for task in self.spec.tasks for m in TASKS[task] if not callable(getattr(model, m, None))}
        if missing:
            raise ZooError(
                f"{self.spec.target} declares the tasks {sorted(self.spec.tasks)} but has no {sorted(missing)}.",
                "Add the methods, or take the task out of the ModelSpec.",
            )
        return model, options

    def load_options(self) -> type["Options"]:
        """Import the options' class alone, which needs no Keras."""
        return _resolve(self.spec.options)


class Registry:
    """Every model of every installed plugin.

    Args:
        entry_points: those to look at; by default the installed ones of the group `zoo_core`.
        disabled: entry-point or distribution names to leave out.
        strict: raise for a broken plugin instead of remembering it.
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
        for entry_point in sorted(entry_points, key=lambda e: (_distribution(e)[0], e.name)):
            self._add(entry_point)

    def model(self, name: str) -> RegisteredModel:
        """The model of this name.

        Raises:
            ZooError: where the plugin that should bring it is broken or disabled.
            UsageError: where no plugin brings it; names the nearest one.
        """
        if name in self.models:
            return self.models[name]
        for plugin in self.plugins:
            names = {plugin.name, plugin.distribution, plugin.distribution.removeprefix("zoo-")}
            if name not in names | {spec.name for spec in plugin.models}:
                continue
            if plugin.disabled:
                raise UsageError(f"Model '{name}' is disabled.", f"Take '{plugin.name}' out of ZOO_DISABLED_PLUGINS.")
            if plugin.error:
                raise ZooError(
                    f"Model '{name}' can't be used: its plugin {plugin.distribution} {plugin.version} is broken "
                    f"({plugin.error}).",
                    plugin.advice,
                )
        raise unknown("model", name, self.models, "No model plugin is installed; try: pip install zoo-dcgan")

    def _add(self, entry_point: importlib.metadata.EntryPoint) -> None:
        plugin = Plugin(entry_point.name, *_distribution(entry_point))
        self.plugins.append(plugin)
        if self._disabled & {plugin.name, plugin.distribution}:
            plugin.disabled = True
            return
        try:
            plugin.models = _specs_of(entry_point)
            for spec in plugin.models:
                self._check(spec)
        except Exception as error:
            if self._strict:
                raise
            plugin.error = f"{type(error).__name__}: {error}".replace("\n", " ")
            warnings.warn(
                f"plugin '{plugin.name}' ({plugin.distribution} {plugin.version}) is broken and left out: "
                f"{plugin.error}",
                BrokenPluginWarning,
                stacklevel=2,
            )
            return
        self.models |= {spec.name: RegisteredModel(spec, plugin) for spec in plugin.models}

    def _check(self, spec: ModelSpec) -> None:
        if not isinstance(spec, ModelSpec):
            raise TypeError(f"zoo_models must yield ModelSpec records, received {spec!r}")
        if spec.api_version != API_VERSION:
            older = "the plugin" if spec.api_version < API_VERSION else "zoo-core"
            raise ValueError(
                f"model '{spec.name}' speaks plugin API {spec.api_version}, this zoo_core speaks {API_VERSION}; "
                f"upgrade {older}"
            )
        if spec.name in self.models:
            owner = self.models[spec.name].plugin
            raise ValueError(f"model '{spec.name}' is already taken by {owner.distribution} {owner.version}")


@cache
def registry() -> Registry:
    """The registry of this process, set up from `ZOO_DISABLED_PLUGINS` and `ZOO_STRICT_PLUGINS`."""
    disabled = [name.strip() for name in os.environ.get("ZOO_DISABLED_PLUGINS", "").split(",") if name.strip()]
    return Registry(disabled=disabled, strict=os.environ.get("ZOO_STRICT_PLUGINS") == "1")


def _specs_of(entry_point: importlib.metadata.EntryPoint) -> list[ModelSpec]:
    """Import one plugin and call its hook; a manager of its own keeps it from touching the others."""
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(entry_point.load(), entry_point.name)
    manager.check_pending()  # a misspelt hook is an error, not a silence
    if not manager.hook.zoo_models.get_hookimpls():
        raise TypeError(f"{entry_point.value} has no @zoo_core.hookimpl function called zoo_models")
    return [spec for specs in manager.hook.zoo_models() for spec in specs]


def _distribution(entry_point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    return (entry_point.dist.name, entry_point.dist.version) if entry_point.dist else ("unknown", "unknown")


def _resolve(reference: str) -> Any:
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
