"""A step as a flat graph of its operations, in which nothing is computed twice, as XLA does by itself.

torch traces what Python calls: the generator's pass of a GAN once for each phase, the keys of the noise once for each
draw. Its own elimination gives up where anything was written in between, such as the discriminator's weights. Here an
expression is known by what it reads and by how often the memory of that was written before.
"""

import operator
from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch._ops import OpOverload
from torch.fx import GraphModule, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.node import map_arg
from torch.utils import _pytree as pytree

SILENTLY_WRITTEN = ("running_mean", "running_var")
"""Arguments of torch's batch normalization that it changes, though its schema does not say so."""

UNCHANGED = (torch.ops.aten.detach.default, torch.ops.aten.lift_fresh_copy.default)
"""They return what they are given: the graph is replayed without gradients, and nothing writes to its constants."""


def trace(function: Callable[..., Any], *arguments: Any) -> GraphModule:
    """The operations of a call, flat, its gradients among them; to be called without gradients in its place."""
    traced = make_fx(function, tracing_mode="fake", _allow_non_fake_inputs=True)(*arguments)
    for node in traced.graph.nodes:
        node.meta.clear()  # a sample of each result, with what takes far more memory than the text of the graph
    compute_once(traced)
    return traced


def compute_once(traced: GraphModule) -> None:
    """Let a graph of ATen's operations, to be replayed without gradients, compute no expression twice.

    Nothing is shared that is written in place, or that the graph returns and its caller may write.
    """
    nodes = list(traced.graph.nodes)
    memory = _memory(nodes)
    written = {node: {memory[operand] for operand in _written(node)} for node in nodes}
    private = {memory[node] for node in nodes[-1].all_input_nodes}.union(*written.values())
    writes = Counter[Node]()  # of each memory, up to the node that is looked at
    known: dict[str, Node] = {}
    for node in nodes:
        writes.update(written[node])
        if not _is_pure(node) or written[node] or (memory[node] is node and node in private):
            continue
        if node.target in UNCHANGED:
            same = node.all_input_nodes[0]
        else:
            same = known.setdefault(_expression(traced, node, memory, writes), node)
        if same is not node:
            node.replace_all_uses_with(same)
            traced.graph.erase_node(node)
    traced.recompile()


def _memory(nodes: list[Node]) -> dict[Node, Node]:
    """By node, the one whose memory it is a view of: itself where its memory is new."""
    memory: dict[Node, Node] = {}
    for node in nodes:
        viewed = node.all_input_nodes if node.target is operator.getitem else []
        if isinstance(node.target, OpOverload) and any(value.alias_info for value in node.target._schema.returns):
            viewed = [operand for argument, operand in _operands(node) if argument.alias_info]
        memory[node] = memory[viewed[0]] if viewed else node
    return memory


def _written(node: Node) -> list[Node]:
    """The operands that an operation changes."""
    return [
        operand
        for argument, operand in _operands(node)
        if argument.name in SILENTLY_WRITTEN or (argument.alias_info and argument.alias_info.is_write)
    ]


def _operands(node: Node) -> list[tuple[torch.Argument, Node]]:
    """The nodes that one of ATen's operations is given, each with what its schema says of it."""
    if not isinstance(node.target, OpOverload):
        return []
    declared = node.target._schema.arguments
    given = [*zip(declared, node.args, strict=False)]
    given += [(argument, node.kwargs[argument.name]) for argument in declared if argument.name in node.kwargs]
    leaves = [(argument, leaf) for argument, value in given for leaf in pytree.tree_leaves(value)]
    return [(argument, leaf) for argument, leaf in leaves if isinstance(leaf, Node)]


def _is_pure(node: Node) -> bool:
    """Whether a node's value depends on nothing but what it is given."""
    if isinstance(node.target, OpOverload):
        return torch.Tag.nondeterministic_seeded not in node.target.tags
    return node.op == "get_attr" or node.target is operator.getitem


def _expression(traced: GraphModule, node: Node, memory: dict[Node, Node], writes: Counter[Node]) -> str:
    """Equal for nodes of equal values: the same operation, given the same nodes in the state of the same writes."""
    if node.op == "get_attr":
        value = getattr(traced, str(node.target))
        scalar = isinstance(value, torch.Tensor) and value.ndim == 0
        return f"{value.dtype} {value.device} {value.item()!r}" if scalar else node.name
    given = map_arg((node.args, node.kwargs), lambda operand: f"{operand.name} {writes[memory[operand]]}")
    return f"{node.target} {given}"
