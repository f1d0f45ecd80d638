"""What a plugin brought: its record, and the code behind it, which is imported on use."""

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from zoo_core.discovery import CORE, Plugin
from zoo_core.errors import UsageError
from zoo_core.keras_backend import running_backend
from zoo_core.specs import TASKS, DatasetSpec, FeatureSpec, MetricSpec, ModelSpec

if TYPE_CHECKING:
    from zoo_core.models import GenerativeModel
    from zoo_core.options import Options


@dataclass(frozen=True)
class RegisteredModel:
    """A model's spec and the plugin that it came from."""

    spec: ModelSpec
    plugin: Plugin

    @property
    def full_name(self) -> str:
        """`distribution:name`, which no other model has."""
        return f"{self.plugin.distribution}:{self.spec.name}"

    def load(self) -> tuple[type["GenerativeModel"], type["Options"]]:
        """Import the model's class and its options' class.

        Raises:
            UsageError: as `check_backend`.
            ZooError: where the plugin's code fails, or lacks what its spec promises.
        """
        self.check_backend()
        with self.plugin.guarded(f"Model '{self.spec.name}'"):
            model = resolve(self.spec.target)
            missing = {part for task in self.spec.tasks for part in TASKS[task] if not hasattr(model, part)}
            if missing:
                raise TypeError(f"for the tasks {sorted(self.spec.tasks)} {self.spec.target} lacks {sorted(missing)}")
        return model, self.load_options()

    def load_options(self) -> type["Options"]:
        """Import the options' class alone, which needs no Keras.

        Raises:
            ZooError: where the plugin's code fails, or gives no options.
        """
        from zoo_core.options import Options  # pydantic takes longer than everything else that a listing needs

        with self.plugin.guarded(f"Model '{self.spec.name}'"):
            options = resolve(self.spec.options)
            if not (isinstance(options, type) and issubclass(options, Options)):
                raise TypeError(f"{self.spec.options} must be a subclass of zoo_core.Options, received {options!r}")
        return options

    def check_backend(self) -> None:
        """Raises UsageError where Keras runs on a backend that the model does not run on."""
        running = running_backend()
        if self.spec.backends is not None and running not in self.spec.backends:
            known = sorted(self.spec.backends)
            raise UsageError(
                f"Model '{self.spec.name}' runs on {' and '.join(known)} alone, and Keras runs on {running}.",
                f"Add --backend {known[0]}, or set KERAS_BACKEND={known[0]}.",
            )


Spec = TypeVar("Spec", FeatureSpec, DatasetSpec, MetricSpec)


@dataclass(frozen=True)
class RegisteredTarget(Generic[Spec]):
    """The spec of a feature network, a data set or a metric, and the plugin that it came from."""

    spec: Spec
    plugin: Plugin

    @property
    def source(self) -> str | None:
        """The package and version, for records; None for zoo-core's own, which they state anyway."""
        return None if self.plugin.distribution == CORE else str(self.plugin)

    def load(self) -> Callable[..., Any]:
        """Import what the target names. Whether it gives what it should, who calls it checks.

        Raises:
            ZooError: where the plugin's code fails, or what its spec names can't be called.
        """
        with self.guarded():
            function = resolve(self.spec.target)
            if not callable(function):
                raise TypeError(f"{self.spec.target} must be a function, received {function!r}")
        return function

    def guarded(self, failing: str = "can't be loaded") -> AbstractContextManager[None]:
        """Run the plugin's code so that its errors name it; see `Plugin.guarded`."""
        return self.plugin.guarded(f"{self.spec.kind.capitalize()} '{self.spec.name}'", failing)


def resolve(reference: str) -> Any:
    """Import what a reference "module:name" names."""
    module, _, name = reference.partition(":")
    return getattr(importlib.import_module(module), name)
