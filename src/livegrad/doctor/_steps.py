"""The learning rate, tried: the optimizer's next steps on copies of the weights.

**Too long.** Along its own direction a loss with curvature lambda changes by the factor
(1 - rate * lambda)^2 in one step. It grows where the rate is above 2 / lambda. In the model that
Lewkowycz et al. 2020 solve, training survives this up to 4 / lambda, where the error grows
threefold a step. A rate is called too high where no step on one and the same batch lowers the loss,
and the loss gets above three times the larger of where it began and what knowing nothing costs.

A step that changes each layer's weights by the fraction r changes a product of L layers by up to
(1 + r)^L, and may alone take it from 1 to SGD's upper bound, ``GRADIENT_BOUNDS``, where r is above
the bound's L-th root less 1. A rate is called too high, too, where the loss does not fall after
such a step.

**Too short.** A number of precision eps is kept up to half of eps. A step below 8 eps of the weight
is eaten up by rounding to a sixteenth and more, and takes about a million steps to move a weight by
its own size. A rate is called too low only if a longer step lowers the loss and this one does not.
"""

from __future__ import annotations

import math
from typing import Any

import keras
import numpy as np

from livegrad.doctor._data import Sample
from livegrad.doctor._probe import Pass, loss_at, norm, run, tensor
from livegrad.doctor._report import Finding
from livegrad.signals import GRADIENT_BOUNDS

__all__ = ["learning_rate"]

_STEPS = 3
_GROWTH = 3.0
_ROUNDING = 8.0
_THOUSANDTH = 1e-3
# A rate to begin with where the optimizer's own is 0.
_LEAST = 1e-12
# Above what rounding does to a mean of losses.
_SEEN = 1e-4


def learning_rate(
    model: Any, sample: Sample, result: Pass, depth: int, baseline: float | None
) -> tuple[list[Finding], list[str]]:
    """Try the optimizer's steps on copies.

    Args:
        model: built and compiled.
        sample: the batch that all steps are taken on.
        result: the pass at the weights as they are.
        depth: number of hidden layers.
        baseline: the loss of the best constant answer, where it is known.
    """
    optimizer = getattr(model.optimizer, "inner_optimizer", model.optimizer)
    variables = model.trainable_variables
    if all(gradient is None for gradient in result.weights):
        return [], ["learning rate: no trainable variable has a gradient"]
    rate = float(optimizer.learning_rate)
    try:
        twin, copies = _stepped(optimizer, rate, variables, result.weights)
    except Exception as failure:
        return [], [f"learning rate: the optimizer cannot be copied ({type(failure).__name__})"]
    relative = _relative(copies, variables)
    if relative is None:
        return [], []
    losses = [loss_at(model, sample, [tensor(v) for v in copies])]
    bound = _ROUNDING * _precision(variables[0].dtype)
    if relative < bound and math.isfinite(losses[0]):
        if losses[0] < result.loss * (1 - _SEEN):
            return [], []
        if _scheduled(optimizer):
            return [], ["learning rate: a schedule may begin with steps as short as these"]
        return _short(model, sample, result, optimizer, rate, bound), []
    first = [tensor(v) for v in copies] if not losses[0] < result.loss else []
    while math.isfinite(losses[-1]) and len(losses) < _STEPS and not min(losses) < result.loss:
        again = run(model, sample, [tensor(v) for v in copies]).weights
        twin.apply_gradients(_pairs(again, copies))
        losses.append(loss_at(model, sample, [tensor(v) for v in copies]))
    if not first:
        return [], []
    found = _long(model, sample, result, first, losses, relative, rate, depth, baseline)
    if not found:
        return [], []
    better, evidence = found
    fix = f"model.optimizer.learning_rate = {better:g}"
    if _scheduled(optimizer):  # whose rate cannot be set
        kind = type(optimizer).__name__
        fix = f"model.compile(..., optimizer=keras.optimizers.{kind}({better:g}))"
    return [
        Finding(
            "learning-rate",
            "optimizer",
            evidence,
            "The step ends higher on the other side of the valley than it began, and the next one "
            "higher still.",
            fix,
        )
    ], []


def _scheduled(optimizer: Any) -> bool:
    return isinstance(optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule)


def _stepped(
    optimizer: Any, rate: float, variables: list[Any], gradients: list[Any]
) -> tuple[Any, list[Any]]:
    """Return a twin of the optimizer after one step at a rate, and the copies that it moved."""
    twin = type(optimizer).from_config(optimizer.get_config() | {"learning_rate": rate})
    # The names go with them: weight decay leaves some out by name.
    # A tensor is copied; handed the value itself, Keras would take the model's variable.
    copies = [keras.Variable(tensor(v), dtype=v.dtype, name=v.name) for v in variables]
    twin.build(copies)
    own, given = (
        [v for v in one.variables if v.name != "learning_rate"] for one in (twin, optimizer)
    )
    if optimizer.built and len(own) == len(given):
        for new, old in zip(own, given, strict=True):
            new.assign(tensor(old))
    twin.apply_gradients(_pairs(gradients, copies))
    return twin, copies


def _pairs(gradients: list[Any], copies: list[Any]) -> list[tuple[Any, Any]]:
    return [(g, v) for g, v in zip(gradients, copies, strict=True) if g is not None]


def _relative(copies: list[Any], variables: list[Any]) -> float | None:
    """Return by what share of their size the kernels moved, their median; None without kernels."""
    moved = [
        norm(tensor(new) - tensor(old)) / size
        for new, old in zip(copies, variables, strict=True)
        if len(old.shape) > 1 and (size := norm(tensor(old))) > 0
    ]
    return float(np.median(moved)) if moved else None


def _precision(dtype: str) -> float:
    """Return the distance from 1 to the next number."""
    return 2.0**-7 if dtype == "bfloat16" else float(np.finfo(dtype).eps)  # no NumPy type


def _along(model: Any, first: list[Any], factor: float) -> list[Any]:
    return [
        tensor(v) + factor * (step - tensor(v))
        for v, step in zip(model.trainable_variables, first, strict=True)
    ]


def _short(
    model: Any, sample: Sample, result: Pass, optimizer: Any, rate: float, bound: float
) -> list[Finding]:
    """Return a finding if a longer step, a thousandth of the weights, lowers the loss.

    What rounding ate cannot be measured: the rate is raised until a step is above the bound.
    """
    raised, moved = rate or _LEAST, 0.0
    while moved < bound and raised < 1:
        raised *= 1024
        _, copies = _stepped(optimizer, raised, model.trainable_variables, result.weights)
        moved = _relative(copies, model.trainable_variables) or 0.0
    if not bound <= moved < math.inf or rate / raised * moved >= _THOUSANDTH:
        return []
    first = [tensor(v) for v in copies]
    lower = loss_at(model, sample, _along(model, first, _THOUSANDTH / moved))
    if not lower < result.loss * (1 - _SEEN):
        return []
    better = raised * _THOUSANDTH / moved
    # A thousandth is sure to be seen; where ten times as much helps more, it is advised.
    if loss_at(model, sample, _along(model, first, 10 * _THOUSANDTH / moved)) < lower:
        better *= 10
    relative = moved * rate / raised
    step = f"a step moves the weights by {relative:.1e} of their size, below 8 eps = {bound:.1e}"
    longer = f"{_THOUSANDTH / relative:.0e} times as long" if rate else "of a thousandth"
    return [
        Finding(
            "learning-rate",
            "optimizer",
            f"{step}; one {longer} lowers the loss from {result.loss:.4g} to {lower:.4g}",
            "Rounding eats up such steps, and a million of them would move a weight by its size.",
            f"model.optimizer.learning_rate = {_rounded(better):g}",
        )
    ]


def _long(
    model: Any,
    sample: Sample,
    result: Pass,
    first: list[Any],
    losses: list[float],
    relative: float,
    rate: float,
    depth: int,
    baseline: float | None,
) -> tuple[float, str] | None:
    """Return a better rate and what was measured, if steps on one batch make its loss explode."""
    reference = max(result.loss, baseline or 0.0)
    worst = max(losses, key=lambda value: value if math.isfinite(value) else math.inf)
    growth = worst / reference if reference > 0 else 0.0
    longest = GRADIENT_BOUNDS["SGD"][1] ** (1 / depth) - 1
    if min(losses) < result.loss:
        return None
    explodes = not math.isfinite(worst) or growth > _GROWTH
    rewrites = relative > longest
    if not (explodes or rewrites):
        return None
    better = rate
    for _ in range(6):
        better /= 10
        if loss_at(model, sample, _along(model, first, better / rate)) < result.loss:
            break
    if explodes:
        measured = f"loss {growth:.3g} times as large after {len(losses)} steps on one batch"
        evidence = f"{measured}, above {_GROWTH:.0f}"
    else:
        evidence = f"a step moves the weights by {relative:.3g} of their size, above {longest:.3g}"
    return _rounded(better), f"{evidence}; weights move by {relative:.2g} of their size a step"


def _rounded(rate: float) -> float:
    return float(f"{rate:.0e}")
