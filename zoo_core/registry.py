"""What is installed, by name: found lazily, and guarded, so that one broken package never stops the others."""

import importlib.metadata
import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from zoo_core import hookspecs
from zoo_core.discovery import CORE, Plugin, check_specs, distribution_of, in_order, is_file, one_line, specs_of
from zoo_core.errors import UsageError, ZooError, unknown
from zoo_core.isolation import isolated
from zoo_core.model_files import module_name, open_model_file
from zoo_core.registered import RegisteredModel, RegisteredTarget
from zoo_core.specs import DatasetSpec, FeatureSpec, MetricSpec

if TYPE_CHECKING:
    from zoo_core.runs import RunDescription

Found = TypeVar("Found")

NO_MODELS = "No model is installed. From a clone of the project: pip install ./plugins/dcgan"
NO_CORE = (
    "zoo-core's own entry point is not installed. Install zoo-core anew; in a clone of the project: pip install -e ."
)


class BrokenPluginWarning(UserWarning):
    """One line about a plugin that could not be used, or that does what it should not."""


class Registry:
    """Every model, feature network, data set and metric of every installed plugin.

    Args:
        entry_points: those to look at; by default the installed ones of the group `zoo_core`.
        disabled: entry-point or distribution names to leave out.
        strict: raise for a plugin that is broken, or does what it should not, instead of remembering it.
        files: with a model each, as for `add_file`.

    Attributes:
        plugins: all of them, also the broken and the disabled ones.
        models: by the name to ask for: of two models of one name the full ones, `distribution:name`; but what
            zoo-core itself brings keeps the plain one.
        features, datasets, metrics: by name, zoo-core's own first.
        files: with a model each, by its name.

    Raises:
        UsageError: where `disabled` names the core's own plugin, or two files can't be told apart by their names.
        ZooError: for a broken plugin, where `strict`.
    """

    def __init__(
        self,
        entry_points: Iterable[importlib.metadata.EntryPoint] | None = None,
        disabled: Iterable[str] = (),
        strict: bool = False,
        files: Iterable[Path] = (),
    ) -> None:
        if entry_points is None:
            entry_points = importlib.metadata.entry_points(group=hookspecs.PROJECT)
        self._disabled = set(disabled)
        self._strict = strict
        self.files: dict[str, Path] = {}
        for path in files:
            self._check_name(path)
            self.files[path.stem] = path
        self._opened: dict[str, RegisteredModel] = {}
        self._installed: list[RegisteredModel] = []
        self.features: dict[str, RegisteredTarget[FeatureSpec]] = {}
        self.datasets: dict[str, RegisteredTarget[DatasetSpec]] = {}
        self.metrics: dict[str, RegisteredTarget[MetricSpec]] = {}
        self.plugins: list[Plugin] = []
        for entry_point in in_order(entry_points):
            plugin = self._inspect(entry_point)
            self.plugins.append(plugin)
            if plugin.state == "ok":
                self._installed += [RegisteredModel(spec, plugin) for spec in plugin.models]
                self.features |= {spec.name: RegisteredTarget(spec, plugin) for spec in plugin.features}
                self.datasets |= {spec.name: RegisteredTarget(spec, plugin) for spec in plugin.datasets}
                self.metrics |= {spec.name: RegisteredTarget(spec, plugin) for spec in plugin.metrics}
        self.models = {self._short_name(model): model for model in self._installed}

    def model(self, name: str) -> RegisteredModel:
        """The model of this name: that of a file, if one is so called, or else an installed one.

        Args:
            name: plain, or `distribution:name`.

        Raises:
            ZooError: where the plugin that should bring it is broken.
            UsageError: where that plugin is disabled, no plugin brings it (names the nearest one), or several do.
        """
        if name in self.files:
            return self._file(name)
        by_full_name = {model.full_name: model for model in self._installed}
        if name in by_full_name:
            return by_full_name[name]
        same = self._called(name)
        if same and name not in self.models:
            raise UsageError(
                f"Model '{name}' is brought by {' and by '.join(str(model.plugin) for model in same)}.",
                f"Say which: {' or '.join(model.full_name for model in same)}.",
            )
        return self._find("model", name, self.models, "" if self.models else NO_MODELS)

    def model_of(self, run: "RunDescription") -> RegisteredModel:
        """The model that a run was trained with: of the same package, whatever else is installed by now.

        Raises:
            UsageError: where it is in a file that was not named. Otherwise as `model`.
        """
        plain = run.model.rpartition(":")[2]
        if is_file(run.distribution):
            if plain not in self.files:
                raise UsageError(
                    f"The model '{run.model}' of this run is in the file '{run.distribution}', and a file is only run "
                    "where you name it.",
                    f"For example: ZOO_MODEL_FILES=path/to/{run.distribution} zoo …",
                )
            model = self._file(plain)
            if model.plugin.version != run.version:
                problem = f"'{self.files[plain]}' is not what it was when the run was started"
                # Said to come from here, it is told once, however often the model is asked for.
                warnings.warn(f"{problem}: {model.plugin.version}, then {run.version}", stacklevel=1)
            return model
        own = [model for model in self._called(plain) if model.plugin.distribution == run.distribution]
        return own[0] if own else self.model(run.model)

    def name_of(self, model: RegisteredModel) -> str:
        """The name to ask for this model by: the plain one where that is its own, or else `distribution:name`."""
        plain = model.spec.name
        meant = self._file(plain) if plain in self.files else self.models.get(plain)
        return plain if meant is model else model.full_name

    def add_file(self, path: Path) -> str:
        """Run a file that defines a model; see `zoo_core.model_files`.

        Returns:
            The name to ask for, which is the file's without `.py`.

        Raises:
            UsageError: where there is no such file, not one model in it, or another file of its name.
        """
        self._check_name(path)
        self._opened[path.stem] = open_model_file(path)
        self.files[path.stem] = path
        return path.stem

    def named(self, model: str) -> str:
        """The name to ask for where people type a model's name or, for `add_file`, the path of a file."""
        return self.add_file(Path(model)) if "/" in model or model.endswith(".py") else model

    def listed(self) -> list[RegisteredModel]:
        """All models in the order of their names, those of the named files too, which are run. A file that is not one
        model is told in one line, and left out."""
        of_files = []
        for name in self.files:
            try:
                of_files.append(self._file(name))
            except UsageError as error:
                warnings.warn(str(error), BrokenPluginWarning, stacklevel=2)
        return sorted([*of_files, *self._installed], key=lambda model: model.spec.name)

    def feature_network(self, name: str) -> RegisteredTarget[FeatureSpec]:
        """The feature network of this name. Raises as `model` does."""
        return self._find("feature network", name, self.features, self._without_core)

    def dataset(self, name: str, hint: str = "") -> RegisteredTarget[DatasetSpec]:
        """The data set of this name. Raises as `model` does, with a hint of what else the name could have been."""
        return self._find("data set", name, self.datasets, self._without_core or hint)

    def metric(self, name: str) -> RegisteredTarget[MetricSpec]:
        """The metric of this name. Raises as `model` does."""
        return self._find("metric", name, self.metrics, self._without_core)

    @property
    def _without_core(self) -> str:
        return "" if any(plugin.distribution == CORE for plugin in self.plugins) else NO_CORE

    def _check_name(self, path: Path) -> None:
        for other in self.files.values():
            if module_name(other) == module_name(path) and other.resolve() != path.resolve():
                raise UsageError(
                    f"'{other}' and '{path}' can't be told apart: a model is called as its file.", "Rename one of them."
                )

    def _file(self, name: str) -> RegisteredModel:
        if name not in self._opened:
            self._opened[name] = open_model_file(self.files[name])
        return self._opened[name]

    def _called(self, name: str) -> list[RegisteredModel]:
        return [model for model in self._installed if model.spec.name == name]

    def _short_name(self, model: RegisteredModel) -> str:
        unmistakable = len(self._called(model.spec.name)) == 1 or model.plugin.distribution == CORE
        return model.spec.name if unmistakable else model.full_name

    def _find(self, kind: str, name: str, found: Mapping[str, Found], hint: str = "") -> Found:
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
        plugin = Plugin(entry_point.name, *distribution_of(entry_point))
        if self._disabled & {plugin.name, plugin.distribution}:
            if plugin.distribution == CORE:
                raise UsageError(
                    "zoo-core's own plugin can't be disabled: it brings data sets, features and metrics.",
                    "Take it out of ZOO_DISABLED_PLUGINS.",
                )
            return replace(plugin, disabled=True)
        called = f"plugin '{plugin.name}' ({plugin})"
        try:
            with isolated() as notes:
                specs = specs_of(entry_point)
            plugin = replace(plugin, **specs)  # type: ignore[arg-type]  # its keys are those of `RECORDS`
            check_specs(plugin.specs, plugin.distribution)
            plugin, lost = self._without_taken(plugin)
            notes += [*plugin.outdated(), *plugin.dangling(), *self._shared(plugin), *lost]
        except (Exception, SystemExit) as error:
            plugin = replace(plugin, error=one_line(error))
            if self._strict:
                raise ZooError(f"{called} is broken: {plugin.error}.", plugin.advice) from error
            warnings.warn(f"{called} is broken and left out: {plugin.error}", BrokenPluginWarning, stacklevel=2)
            return plugin
        plugin = replace(plugin, notes=tuple(notes))
        for note in plugin.notes:
            if self._strict:
                raise ZooError(f"{called} {note}.", plugin.advice)
            warnings.warn(f"{called} {note}", BrokenPluginWarning, stacklevel=2)
        return plugin

    def _without_taken(self, plugin: Plugin) -> tuple[Plugin, list[str]]:
        """The plugin without the records whose names are taken, and a line for each of them. Scores and records are
        called after data sets, feature networks and metrics, so of these a name means one thing; models of several
        packages are told apart by the package."""
        taken: dict[str, Mapping[str, RegisteredModel | RegisteredTarget[Any]]] = {
            "models": {m.spec.name: m for m in self._installed if m.plugin.distribution == plugin.distribution},
            "features": self.features,
            "datasets": self.datasets,
            "metrics": self.metrics,
        }
        lost, kept = [], {}
        for kind, names in taken.items():
            specs = getattr(plugin, kind)
            kept[kind] = tuple(spec for spec in specs if spec.name not in names)
            for spec in specs:
                if spec.name in names:
                    other = names[spec.name].plugin
                    lost.append(f"brings {spec.kind} '{spec.name}', left out: '{other.name}' ({other}) has the name")
        return replace(plugin, **kept), lost  # type: ignore[arg-type]  # its keys are those of `RECORDS`

    def _shared(self, plugin: Plugin) -> list[str]:
        return [
            f"brings model '{spec.name}', as {other.plugin} does; ask for {plugin.distribution}:{spec.name}"
            for spec in plugin.models
            for other in self._called(spec.name)[:1]
        ]


@cache
def registry() -> Registry:
    """The registry of this process, set up from `ZOO_DISABLED_PLUGINS`, `ZOO_STRICT_PLUGINS` and `ZOO_MODEL_FILES`."""
    disabled = [name.strip() for name in os.environ.get("ZOO_DISABLED_PLUGINS", "").split(",") if name.strip()]
    files = [Path(path) for path in os.environ.get("ZOO_MODEL_FILES", "").split(os.pathsep) if path]
    return Registry(disabled=disabled, strict=os.environ.get("ZOO_STRICT_PLUGINS") == "1", files=files)
