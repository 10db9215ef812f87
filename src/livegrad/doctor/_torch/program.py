"""A saved program of ``torch.export``, as modules again.

An exported program has its layers no more: their weights are handed to operations. Where an
operation does what a module does, and its weights are where that module has them, the module takes
its place again, so that it is judged like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

__all__ = ["opened", "restored"]

_ATEN = torch.ops.aten
# Operations without weights, by the function that the probe knows.
_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    _ATEN.relu.default: torch.relu,
    _ATEN.relu_.default: torch.relu,
    _ATEN.sigmoid.default: torch.sigmoid,
    _ATEN.tanh.default: torch.tanh,
    _ATEN.gelu.default: functional.gelu,
    _ATEN.silu.default: functional.silu,
    _ATEN.silu_.default: functional.silu,
    _ATEN.elu.default: functional.elu,
    _ATEN.leaky_relu.default: functional.leaky_relu,
    _ATEN.softplus.default: functional.softplus,
    _ATEN.softmax.int: torch.softmax,
    _ATEN.log_softmax.int: torch.log_softmax,
    _ATEN.flatten.using_ints: torch.flatten,
    _ATEN.view.default: torch.reshape,
    _ATEN.reshape.default: torch.reshape,
    _ATEN.dropout.default: functional.dropout,
    _ATEN.add.Tensor: torch.add,
    _ATEN.mul.Tensor: torch.mul,
    _ATEN.cat.default: torch.cat,
    _ATEN.mean.dim: torch.mean,
    _ATEN.transpose.int: torch.transpose,
    _ATEN.permute.default: torch.permute,
    _ATEN.squeeze.dim: torch.squeeze,
    _ATEN.unsqueeze.default: torch.unsqueeze,
}
_CONVOLUTIONS: dict[Any, Any] = {
    _ATEN.conv1d.default: nn.Conv1d,
    _ATEN.conv2d.default: nn.Conv2d,
    _ATEN.conv3d.default: nn.Conv3d,
    _ATEN.conv1d.padding: nn.Conv1d,
    _ATEN.conv2d.padding: nn.Conv2d,
    _ATEN.conv3d.padding: nn.Conv3d,
}
# Where an operation has its signal and its weights.
_PLACES: dict[Any, tuple[int, dict[str, int]]] = {
    _ATEN.linear.default: (0, {"weight": 1, "bias": 2}),
    **dict.fromkeys(_CONVOLUTIONS, (0, {"weight": 1, "bias": 2})),
    _ATEN.embedding.default: (1, {"weight": 0}),
    _ATEN.layer_norm.default: (0, {"weight": 2, "bias": 3}),
    _ATEN.batch_norm.default: (
        0,
        {"weight": 1, "bias": 2, "running_mean": 3, "running_var": 4},
    ),
}


def opened(path: Path) -> Any:
    """Return the module of a file that ``torch.export.save`` wrote; code in it may run."""
    return restored(torch.export.load(path).module())


def restored(module: Any) -> Any:
    """Put modules in the place of operations, as far as they are known; returns the module."""
    graph = module.graph
    made: dict[str, Any] = {}
    for node in list(graph.nodes):
        if node.op == "call_module" and node.target == "_guards_fn":
            # It asks for the number of examples that the program was made with.
            graph.erase_node(node)
        elif node.op == "call_function" and node.target in _PLACES:
            _restore(module, node, made)
        elif node.op == "call_function" and node.target in _FUNCTIONS:
            node.target = _FUNCTIONS[node.target]
    for node in reversed(list(graph.nodes)):
        if node.op == "get_attr" and not node.users:
            graph.erase_node(node)
    module.recompile()
    return module


def _restore(module: Any, node: Any, made: dict[str, Any]) -> None:
    """Let a module do what the operation of one node does, if it can be told which."""
    signal, places = _PLACES[node.target]
    given = {
        name: node.args[at]
        for name, at in places.items()
        if at < len(node.args) and node.args[at] is not None
    }
    if any(getattr(part, "op", "") != "get_attr" for part in given.values()):
        return
    homes = {part.target.rpartition(".")[0] for part in given.values()}
    if len(homes) != 1 or any(p.target.rpartition(".")[2] != n for n, p in given.items()):
        return
    (home,) = homes
    if not home:
        return
    kept = module.get_submodule(home)
    own = {**dict(kept.named_parameters()), **dict(kept.named_buffers())}
    tensors = {name: own.pop(name) for name in given}
    own.pop("num_batches_tracked", None)
    fresh = _made(node, tensors)
    if own or type(made.get(home, fresh)) is not type(fresh):
        return
    if home not in made:
        made[home] = _filled(fresh, tensors, kept)
        parent, _, last = home.rpartition(".")
        setattr(module.get_submodule(parent), last, made[home])
    with node.graph.inserting_before(node):
        called = node.graph.call_module(home, (node.args[signal],))
    called.meta = dict(node.meta)
    node.replace_all_uses_with(called)
    node.graph.erase_node(node)


def _filled(new: Any, tensors: dict[str, Any], kept: Any) -> Any:
    """Return the module with the program's own parameters and buffers."""
    for name, tensor in tensors.items():
        setattr(new, name, tensor)
    if hasattr(kept, "num_batches_tracked"):
        new.num_batches_tracked = kept.num_batches_tracked
    return new


def _made(node: Any, tensors: dict[str, Any]) -> Any:
    """Return a module that does what the operation does, with weights of no meaning yet."""
    args, target = list(node.args), node.target
    weight: Any = tensors.get("weight")
    bias = "bias" in tensors

    def arg(at: int, usual: Any) -> Any:
        return args[at] if at < len(args) else usual

    with torch.device("meta"):
        if target is _ATEN.linear.default:
            return nn.Linear(weight.shape[1], weight.shape[0], bias)
        if target is _ATEN.embedding.default:
            padding = arg(2, -1)
            return nn.Embedding(*weight.shape, padding_idx=None if padding < 0 else padding)
        if target is _ATEN.layer_norm.default:
            return nn.LayerNorm(arg(1, None), arg(4, 1e-5), weight is not None, bias)
        if target is _ATEN.batch_norm.default:
            mean = tensors.get("running_mean")
            count = next(iter(tensors.values())).shape[0]
            kinds: dict[int, Any] = {4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
            kind = kinds.get(_axes(node.args[0]), nn.BatchNorm1d)
            moves, tracked = weight is not None, mean is not None
            return kind(count, arg(7, 1e-5), arg(6, 0.1), moves, tracked)
        window, groups = weight.shape[2:], arg(6, 1)
        return _CONVOLUTIONS[target](
            weight.shape[1] * groups,
            weight.shape[0],
            tuple(window),
            *(_each(arg(at, usual), len(window)) for at, usual in ((3, 1), (4, 0), (5, 1))),
            groups,
            bias,
        )


def _axes(node: Any) -> int:
    value = getattr(node, "meta", {}).get("val")
    return 2 if value is None else int(value.dim())


def _each(given: Any, axes: int) -> Any:
    """Return one number an axis; one number stands for all, and a word for itself."""
    if isinstance(given, str):
        return given
    numbers = [given] if isinstance(given, int) else list(given)
    return tuple(numbers * axes if len(numbers) == 1 else numbers)
