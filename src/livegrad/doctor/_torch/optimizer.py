"""The optimizer: plain facts, and a twin with copies of the parameters."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from livegrad._checks import Array
from livegrad.doctor._facts import Layer, Optimizer
from livegrad.doctor._torch.layers import array

__all__ = ["Stepper", "counted", "decays", "own", "told"]

# They divide no gradient by its own size, nor take its sign.
_PLAIN = ("SGD", "ASGD")
# They shrink the weights beside the gradient's step.
_DECOUPLED = ("AdamW", "NAdamW", "Lion", "Adafactor", "Muon")
# They ask for the loss more than once a step.
_CLOSURES = ("LBFGS",)


def own(optimizer: Any) -> Any:
    """Return the optimizer inside what wraps it, as Lightning and Accelerate do.

    Raises:
        TypeError: if it is none.
    """
    inside = optimizer
    while inside is not None and not isinstance(inside, torch.optim.Optimizer):
        if not hasattr(inside, "optimizer"):
            break
        inside = inside.optimizer
    if inside is not None and not hasattr(inside, "param_groups"):
        kind = type(optimizer).__name__
        raise TypeError(f"optimizer must be a torch.optim.Optimizer, got {kind}")
    return inside


def _decoupled(optimizer: Any, group: dict[str, Any]) -> bool:
    return type(optimizer).__name__ in _DECOUPLED or bool(group.get("decoupled_weight_decay"))


def decays(optimizer: Any) -> dict[int, float]:
    """Return l2 of each parameter whose gradient the optimizer adds a penalty's to, by identity."""
    groups = [] if optimizer is None else optimizer.param_groups
    return {
        id(p): float(group["weight_decay"]) / 2
        for group in groups
        if group.get("weight_decay") and not _decoupled(optimizer, group)
        for p in group["params"]
    }


def counted(optimizer: Any) -> int:
    """Return the steps taken so far; 1 for some where they are not counted."""
    if optimizer is None:
        return 0
    states = [state for state in optimizer.state.values() if state]
    steps = [int(state["step"]) for state in states if "step" in state]
    some = bool(states) or bool(getattr(optimizer, "_opt_called", False))
    return max(steps, default=int(some))


def told(optimizer: Any, parameters: list[Any], layers: list[Layer], taken: int) -> Optimizer:
    """Return what is known of the optimizer; of one that cannot be tried no name.

    Args:
        optimizer: of ``torch.optim``; None if there is none.
        parameters: those that are trained.
        layers: with the weights that stand for them.
        taken: steps so far.
    """
    if optimizer is None or not optimizer.param_groups:
        return Optimizer("", True, 0.0)
    groups, name = optimizer.param_groups, type(optimizer).__name__
    mine = {id(p) for group in groups for p in group["params"]}
    moved = {
        weight.path
        for layer in layers
        for weight in layer.weights.values()
        if weight.place is not None and id(parameters[weight.place]) in mine
    }
    first = groups[0]
    rate, began = float(first["lr"]), first.get("initial_lr")
    aside = [float(g.get("weight_decay") or 0.0) for g in groups if _decoupled(optimizer, g)]
    return Optimizer(
        name=name if _steps(optimizer, parameters) else "",
        adaptive=name not in _PLAIN,
        rate=rate,
        began=rate if began is None else float(began),
        taken=taken,
        decay=max(aside, default=0.0),
        moved=frozenset(moved),
        momentum=float(first.get("momentum") or 0.0),
    )


def _steps(optimizer: Any, parameters: list[Any]) -> bool:
    """Whether a twin of it can be made, and steps by gradients alone; torch's own ones do."""
    if type(optimizer).__module__.startswith("torch.optim."):
        return type(optimizer).__name__ not in _CLOSURES
    try:
        twin = Stepper(optimizer, parameters, None, False)
        twin.step([np.zeros_like(value) for value in twin.values])
    except Exception:
        return False
    return True


class Stepper:
    """A twin of the optimizer, with copies of the trained parameters.

    It adds no penalty to the gradients: that is in them already. Nothing that is hooked to the
    optimizer, as a schedule is, comes with it.

    Args:
        optimizer: of ``torch.optim``.
        parameters: those that are trained.
        rate: of the first group; the others keep their ratio to it. Without it all stay.
        bare: whether decay beside the gradient is left out too.

    Raises:
        TypeError: if it needs more than gradients, or is not made as its groups tell.
    """

    def __init__(
        self, optimizer: Any, parameters: list[Any], rate: float | None, bare: bool
    ) -> None:
        if optimizer is None or type(optimizer).__name__ in _CLOSURES:
            raise TypeError("the optimizer must step by gradients alone")
        self._copies = [p.detach().clone().requires_grad_(True) for p in parameters]
        twin = dict(zip(map(id, parameters), self._copies, strict=True))
        first = float(optimizer.param_groups[0]["lr"])
        groups = []
        for group in optimizer.param_groups:
            mine = {key: value for key, value in group.items() if key not in _NAMED}
            times = 1.0 if rate is None or not first else rate / first
            mine["lr"] = rate if rate is not None and not first else float(group["lr"]) * times
            if "weight_decay" in mine and (bare or not _decoupled(optimizer, group)):
                mine["weight_decay"] = 0.0
            mine["params"] = [twin[id(p)] for p in group["params"] if id(p) in twin]
            groups.append(mine)
        groups = [group for group in groups if group["params"]]
        if not groups:
            raise TypeError("the optimizer must have parameters of the model")
        known = inspect.signature(type(optimizer).__init__).parameters
        given = {**optimizer.defaults, "lr": groups[0]["lr"]}
        given = {key: value for key, value in given.items() if key in known}
        self._twin = type(optimizer)(groups, **given)
        for p, state in optimizer.state.items():
            if id(p) in twin and state:
                self._twin.state[twin[id(p)]] = {key: _copied(part) for key, part in state.items()}

    def step(self, gradients: Sequence[Array | None]) -> None:
        """Take one step."""
        for gradient, value in zip(gradients, self._copies, strict=True):
            value.grad = (
                None
                if gradient is None
                else torch.as_tensor(gradient.copy(), dtype=value.dtype, device=value.device)
            )
        self._twin.step()

    @property
    def values(self) -> list[Array]:
        """The copies as they are now."""
        return [array(value).copy() for value in self._copies]


_NAMED = ("params", "param_names")


def _copied(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, torch.Tensor) else copy.deepcopy(value)
