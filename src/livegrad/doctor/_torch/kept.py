"""Nothing is left behind: what stands in for the module's own while a pass runs, and is put back.

Parameters and buffers are replaced by copies, in the modules' own tables, so that a loss or a
checkpoint that reads them sees the copies too. All that a ``forward`` may set is put back.
"""

from __future__ import annotations

import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from livegrad.doctor._torch.layers import kind_of

__all__ = ["eager", "in_mode", "seeded", "standing_in", "undisturbed"]

_PLAIN = (list, dict, set)


@contextmanager
def undisturbed(*roots: Any) -> Iterator[None]:
    """Put back what passes would leave behind.

    Args:
        roots: the module, and others that are asked, as a loss; what is no module is passed over.
    """
    found = [root for root in roots if isinstance(root, nn.Module)]
    modules = {id(part): part for root in found for part in root.modules()}
    kept = [_Kept(part) for part in modules.values()]
    numbers, seeds = random.getstate(), np.random.get_state()  # noqa: NPY002
    devices = {
        p.device.index
        for part in modules.values()
        for p in part.parameters(recurse=False)
        if p.device.type == "cuda"
    }
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.random.fork_rng(sorted(d for d in devices if d is not None)))
            # In inference mode, in which an examination may be asked for, nothing has a gradient.
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(warnings.catch_warnings())
            warnings.simplefilter("ignore")
            yield
    finally:
        for one in kept:
            one.put_back()
        random.setstate(numbers)
        np.random.set_state(seeds)  # noqa: NPY002


class _Kept:
    """What one module holds, to be put back: attributes, tables, and numbers changed in place."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.own = dict(vars(module))
        self.inside = [
            (value, value.copy()) for value in self.own.values() if isinstance(value, _PLAIN)
        ]
        # Parameters and buffers are not written; a loss's buffers and plain tensors may be.
        tensors = [*module._buffers.values(), *self.own.values()]
        self.tensors = [
            (t, t._version, t.detach().clone())
            for t in tensors
            if isinstance(t, torch.Tensor) and not t.is_inference()
        ]

    def put_back(self) -> None:
        """Put back what is not as it was."""
        now = vars(self.module)
        for name in [name for name in now if name not in self.own]:
            del now[name]
        for name, value in self.own.items():
            if now.get(name, now) is not value:
                now[name] = value
        for value, before in self.inside:
            _refill(value, before)
        with torch.no_grad():
            for tensor, version, before in self.tensors:
                if tensor._version != version:
                    tensor.copy_(before)


def _refill(value: Any, before: Any) -> None:
    if isinstance(value, dict):
        same = list(map(id, value.values())) == list(map(id, before.values()))
        if not (same and list(value) == list(before)):
            value.clear()
            value.update(before)
    elif isinstance(value, list):
        if list(map(id, value)) != list(map(id, before)):
            value[:] = before
    elif value != before:
        value.clear()
        value |= before


@contextmanager
def standing_in(module: Any, tensors: dict[int, Any]) -> Iterator[None]:
    """Let tensors stand for parameters and buffers, wherever the module has them.

    Args:
        module: the module.
        tensors: by the identity of a parameter or buffer, what stands for it.
    """
    tables = [table for part in module.modules() for table in (part._parameters, part._buffers)]
    held = [(table, dict(table)) for table in tables]
    # A recurrent layer, and one with a norm of its weights, keeps what it was given last.
    derived = [
        (vars(part), {name: vars(part)[name] for name in _DERIVED & set(vars(part))})
        for part in module.modules()
    ]
    try:
        for table, values in held:
            for name, value in values.items():
                if value is not None:
                    table[name] = tensors[id(value)]
        yield
    finally:
        for table, values in held:
            table.clear()
            table.update(values)
        for attributes, before in derived:
            attributes.update(before)


_DERIVED = {"_flat_weights", "_flat_weight_refs", "weight"}


@contextmanager
def in_mode(module: Any, training: bool = True) -> Iterator[None]:
    """Switch to training, or out of it, without noise; put everything back.

    A module that trains already is taken as it is: what is not to train within it, such as a
    normalisation of a frozen part, has been switched by the reader. Else it is asked to.
    """
    modes = [(part, part.training) for part in module.modules()]
    dropping = [
        (part, part.dropout)
        for part in module.modules()
        if isinstance(part, nn.RNNBase | nn.MultiheadAttention)
    ]
    try:
        if training != bool(module.training) or not training:
            module.train(training)
        for part in module.modules():
            if kind_of(part) in ("mask", "noise"):
                part.training = False
        for part, _ in dropping:
            part.dropout = 0.0
        yield
    finally:
        for part, mode in modes:
            part.training = mode
        for part, rate in dropping:
            part.dropout = rate


@contextmanager
def eager() -> Iterator[None]:
    """Run what is compiled as it was written: nothing inside compiled code can be heard."""
    compiler = sys.modules.get("torch._dynamo")
    if compiler is None:  # nothing is compiled yet
        yield
    elif hasattr(torch.compiler, "set_stance"):  # torch 2.6
        with torch.compiler.set_stance("force_eager"):
            yield
    else:
        with compiler.config.patch(disable=True):
            yield


def seeded(module: Any) -> None:
    """Let noise that cannot be switched off be the same in each pass."""
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002
    torch.default_generator.manual_seed(0)
    for device in {p.device for p in module.parameters() if p.device.type == "cuda"}:
        with torch.cuda.device(device):
            torch.cuda.manual_seed(0)
