"""On torch alone: a graph computes what was traced, in place and all, with nothing in it twice."""

import copy
from collections.abc import Callable
from typing import Any

import keras
import pytest

if keras.backend.backend() != "torch":
    pytest.skip("of the backend torch", allow_module_level=True)

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.fx import GraphModule

from zoo_core.training.backends.torch_graph import trace


def count(graph: GraphModule, name: str) -> int:
    return sum(name in str(node.target) for node in graph.graph.nodes)


def traced(function: Callable[..., Any], *arguments: Any) -> GraphModule:
    """Traced on copies, and found to do with two others what the function does, what it leaves there included."""
    graph = trace(function, *copy.deepcopy(arguments))
    expected_in, found_in = copy.deepcopy(arguments), copy.deepcopy(arguments)
    for _ in range(2):
        with torch.no_grad():
            expected, found = function(*expected_in), graph(*found_in)
        torch.testing.assert_close((found, found_in), (expected, expected_in), rtol=0, atol=0)
    return graph


def x(seed: int = 0) -> torch.Tensor:
    return torch.randn(4, 4, generator=torch.Generator().manual_seed(seed))


def test_equal_expressions_are_computed_once():
    graph = traced(lambda x, w: (x @ w).relu() + (x @ w).relu().sum() * (w @ x), x(), x(1))
    assert count(graph, "mm") == 2
    assert count(graph, "relu") == 1


def test_numbers_of_another_type_or_sign_are_another_expression():
    graph = traced(
        lambda x: [x * 1, x * 1.0, x * True, x / 0.0, x / -0.0, x * torch.tensor(2.0), x * torch.tensor(2)], x()
    )
    assert count(graph, "mul") == 5
    assert count(graph, "div") == 2


def test_equal_constants_are_one():
    graph = traced(lambda x: (x + torch.tensor(2.0)).exp() * (x + torch.tensor(2.0)).exp(), x())
    assert count(graph, "exp") == 1


def test_constants_of_several_values_are_not_compared():
    graph = traced(lambda x: (x + torch.tensor([1.0, 2, 3, 4])).exp() * (x + torch.tensor([1.0, 2, 3, 4.5])).exp(), x())
    assert count(graph, "exp") == 2


def test_what_a_gradient_needs_is_what_was_computed_without_one():
    def step(x: torch.Tensor, w: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        frozen = torch.sigmoid(x @ w.detach()).sum()
        with torch.enable_grad():
            leaf = w.detach().requires_grad_()
            loss = torch.sigmoid(x @ leaf).sum()
            (gradient,) = torch.autograd.grad(loss, leaf)
        return frozen + 1, gradient

    graph = traced(step, x(), x(1))
    assert count(graph, "aten.sigmoid.default") == 1
    assert count(graph, "mm") == 2  # x @ w, and what the gradient of w takes


def test_what_was_written_in_between_is_computed_again():
    def step(x: torch.Tensor, w: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
        before = (x @ w).exp()
        other.add_(1)  # of no concern
        same = (x @ w).exp()
        torch._foreach_add_([other, w.t()], 1.0)  # through a view, in a list
        return before + 2 * same + 3 * (x @ w).exp() + other

    graph = traced(step, x(), x(1), x(2))
    assert count(graph, "mm") == count(graph, "exp") == 2


def test_what_is_written_later_is_not_shared():
    def step(x: torch.Tensor) -> torch.Tensor:
        one, other = x.exp(), x.exp()
        one.t().mul_(2)
        return one + 3 * other

    assert count(traced(step, x()), "exp") == 2


def test_what_is_returned_is_not_shared_either():
    def step(x: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"one": x.exp(), "other": x.exp().t(), "constant": torch.tensor(1.0), "again": torch.tensor(1.0)}

    with torch.no_grad():
        results = traced(step, x())(x())
    assert len({result.untyped_storage().data_ptr() for result in results.values()}) == 4


def test_batch_normalization_writes_its_statistics_each_time():
    def step(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        mean, variance = torch.zeros(4), torch.ones(4)
        first = torch.nn.functional.batch_norm(x, mean, variance, training=True)
        second = torch.nn.functional.batch_norm(x, mean, variance, training=True)
        return first + second, mean + variance

    assert count(traced(step, x()), "native_batch_norm") == 2


def test_noise_of_torch_s_own_is_drawn_each_time():
    graph = trace(lambda x: (torch.rand_like(x) + 1) - (torch.rand_like(x) + 1), x())
    assert graph(x()).any()


OPERATIONS = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a.t(),
    lambda a, b: b[:2].repeat(2, 1),
    lambda a, b: a.reshape(16).view(4, 4),
    lambda a, b: a.unbind()[0] + b,
    lambda a, b: a.add_(b.clone()),
    lambda a, b: a.t().copy_(b.clone()),
    lambda a, b: a.fill_(0.5),
    lambda a, b: torch.tensor(3.0) + a,
]


@given(st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 5), st.integers(0, 5)), max_size=12))
@settings(max_examples=100, deadline=None)
def test_any_program_computes_what_it_says(program: list[tuple[Callable, int, int]]):
    def run(*given: torch.Tensor) -> list[torch.Tensor]:
        values = list(given)
        for operation, one, other in program:
            values.append(operation(values[one % len(values)], values[other % len(values)]))
        return [value + 0 for value in values]

    traced(run, x(), x(1))
