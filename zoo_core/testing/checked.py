"""Something under check, and what its checks have in common."""

import abc
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from zoo_core.registry import RegisteredModel, RegisteredTarget
from zoo_core.specs import DatasetSpec, FeatureSpec, MetricSpec

Made = TypeVar("Made")
Registered = TypeVar(
    "Registered",
    RegisteredModel,
    RegisteredTarget[DatasetSpec],
    RegisteredTarget[FeatureSpec],
    RegisteredTarget[MetricSpec],
)


class shared(Generic[Made]):
    """A property that is made when it is first asked for. Where that fails, it raises the same exception every time."""

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self._make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, subject: "Checked[Any]", owner: type) -> Made:
        made = subject.made
        if self._name not in made:
            try:
                made[self._name] = self._make(subject), None
            except Exception as error:
                made[self._name] = None, error
        value, failure = made[self._name]
        if failure is not None:
            raise failure
        return value


class Checked(abc.ABC, Generic[Registered]):
    """A model, a data set, a metric or a feature network.

    Args:
        name: what people type.

    Attributes:
        made: what is shared, by name, with the exception that it ended in.
        changed: the pieces of global state that it was seen to change.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.made: dict[str, tuple[Any, Exception | None]] = {}
        self.changed: set[str] = set()
        self._faults: dict[int, tuple[BaseException, str]] = {}

    @shared
    def registered(self) -> Registered:
        """What the registry has under its name. Raises as the registry does."""
        return self._find()

    @abc.abstractmethod
    def _find(self) -> Registered: ...

    def finder(self, error: BaseException, check: str) -> str:
        """The check that met this exception first: `check`, unless it was another."""
        return self._faults.setdefault(id(error), (error, check))[1]


def needs(*made: object) -> None:
    """Names what a check, or something that checks share, can't do without; to ask for it is to have it made."""
