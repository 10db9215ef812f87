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
    if any(gradient is None for gradient in result.weights):
        used = [v for v, g in zip(variables, result.weights, strict=True) if g is not None]
        if not used:
            return [], ["learning rate: no trainable variable has a gradient"]
    try:
        twin = type(optimizer).from_config(optimizer.get_config())
    except Exception as failure:
        return [], [f"learning rate: the optimizer cannot be copied ({type(failure).__name__})"]
    rate = float(optimizer.learning_rate)
    # The names go with them: weight decay leaves some out by name.
    # A tensor is copied; handed the value itself, Keras would take the model's variable.
    copies = [keras.Variable(tensor(v), dtype=v.dtype, name=v.name) for v in variables]
    twin.build(copies)
    if optimizer.built and len(twin.variables) == len(optimizer.variables):
        for new, old in zip(twin.variables, optimizer.variables, strict=True):
            new.assign(tensor(old))
    pairs = [(g, v) for g, v in zip(result.weights, copies, strict=True) if g is not None]
    twin.apply_gradients(pairs)
    moved = [
        norm(tensor(new) - tensor(old)) / size
        for new, old in zip(copies, variables, strict=True)
        if len(old.shape) > 1 and (size := norm(tensor(old))) > 0
    ]
    if not moved:
        return [], []
    relative = float(np.median(moved))
    losses = [loss_at(model, sample, [tensor(v) for v in copies])]
    eps = float(np.finfo("float32").eps)
    if variables[0].dtype in ("float16", "bfloat16"):
        eps = 2.0 ** (-10 if variables[0].dtype == "float16" else -7)
    if relative < _ROUNDING * eps and math.isfinite(losses[0]):
        if losses[0] < result.loss * (1 - _SEEN):
            return [], []
        return _short(model, sample, result, copies, relative, rate, _ROUNDING * eps), []
    first = [tensor(v) for v in copies] if not losses[0] < result.loss else []
    while math.isfinite(losses[-1]) and len(losses) < _STEPS and not min(losses) < result.loss:
        again = _gradients(model, sample, copies)
        pairs = [(g, v) for g, v in zip(again, copies, strict=True) if g is not None]
        twin.apply_gradients(pairs)
        losses.append(loss_at(model, sample, [tensor(v) for v in copies]))
    if not first:
        return [], []
    return _long(model, sample, result, first, losses, relative, rate, depth, baseline), []


def _gradients(model: Any, sample: Sample, copies: list[Any]) -> list[Any]:
    return run(model, sample, [tensor(v) for v in copies]).weights


def _along(model: Any, first: list[Any], factor: float) -> list[Any]:
    return [
        tensor(v) + factor * (step - tensor(v))
        for v, step in zip(model.trainable_variables, first, strict=True)
    ]


def _short(
    model: Any,
    sample: Sample,
    result: Pass,
    copies: list[Any],
    relative: float,
    rate: float,
    bound: float,
) -> list[Finding]:
    """Return a finding if a longer step, a thousandth of the weights, lowers the loss."""
    if not 0 < relative < _THOUSANDTH:
        return []
    factor = _THOUSANDTH / relative
    lower = loss_at(model, sample, _along(model, [tensor(v) for v in copies], factor))
    if not lower < result.loss * (1 - _SEEN):
        return []
    better = _rounded(rate * factor)
    return [
        Finding(
            "learning-rate",
            "optimizer",
            f"a step moves the weights by {relative:.1e} of their size, below 8 eps = {bound:.1e}; "
            f"one {factor:.0e} times as long lowers the loss from {result.loss:.4g} to {lower:.4g}",
            "Rounding eats up such steps, and a million of them would move a weight by its size.",
            f"model.optimizer.learning_rate = {better:g}",
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
) -> list[Finding]:
    """Return a finding if steps on one batch make its loss explode."""
    reference = max(result.loss, baseline or 0.0)
    worst = max(losses, key=lambda value: value if math.isfinite(value) else math.inf)
    growth = worst / reference if reference > 0 else 0.0
    longest = GRADIENT_BOUNDS["SGD"][1] ** (1 / depth) - 1
    if min(losses) < result.loss:
        return []
    explodes = not math.isfinite(worst) or growth > _GROWTH
    rewrites = relative > longest
    if not (explodes or rewrites):
        return []
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
    return [
        Finding(
            "learning-rate",
            "optimizer",
            f"{evidence}; weights move by {relative:.2g} of their size a step",
            "The step ends higher on the other side of the valley than it began, and the next one "
            "higher still.",
            f"model.optimizer.learning_rate = {_rounded(better):g}",
        )
    ]


def _rounded(rate: float) -> float:
    return float(f"{rate:.0e}")
