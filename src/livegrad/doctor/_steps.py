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

A rate may be too high only after a while, and too low for the steps that are planned: that is tried
in ``_trial``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from livegrad._checks import Array
from livegrad.doctor._facts import Pass, Probe, norm
from livegrad.doctor._report import Finding
from livegrad.signals import GRADIENT_BOUNDS

__all__ = ["learning_rate"]

_STEPS = 3
_GROWTH = 3.0
_ROUNDING = 8.0
_THOUSANDTH = 1e-3
# From 1 to the next number of float16, whose smallest numbers are near too.
_HALF = 2.0**-10
# A rate to begin with where the optimizer's own is 0.
_LEAST = 1e-12
# Above what rounding does to a mean of losses.
_SEEN = 1e-4


def learning_rate(
    probe: Probe, result: Pass, depth: int, baseline: float | None, normalised: bool = False
) -> tuple[list[Finding], list[str]]:
    """Try the optimizer's steps on copies.

    Args:
        probe: of the model.
        result: the pass at the weights as they are.
        depth: number of hidden layers.
        baseline: the loss of the best constant answer, where it is known.
        normalised: whether weights run into normalisations: they grow by a step too long, and the
            next one is shorter, so that a loss that grows for some steps is no fault.
    """
    optimizer = probe.optimizer
    if not optimizer.name:
        return [], ["learning rate: no optimizer was given that can be stepped"]
    if all(gradient is None for gradient in result.weights):
        return [], ["learning rate: no trainable variable has a gradient"]
    start = probe.values()
    try:
        twin = probe.stepper()
        twin.step(result.weights)
    except Exception as failure:
        return [], [f"learning rate: the optimizer cannot be copied ({type(failure).__name__})"]
    first = twin.values
    relative = _relative(first, start)
    if relative is None:
        return [], []
    losses = [probe.loss(first)]
    bound = _ROUNDING * _precision(probe)
    if relative < bound and math.isfinite(losses[0]):
        if losses[0] < result.loss * (1 - _SEEN):
            return [], []
        if optimizer.schedule is not None:
            return [], ["learning rate: a schedule may begin with steps as short as these"]
        return _short(probe, result, start, bound), []
    if losses[0] < result.loss:
        return [], []
    while math.isfinite(losses[-1]) and len(losses) < _STEPS and not min(losses) < result.loss:
        twin.step(probe.run(twin.values).weights)
        losses.append(probe.loss(twin.values))
    if normalised and math.isfinite(losses[-1]):
        return [], []
    found = _long(probe, result, (start, first), losses, relative, depth, baseline)
    if not found:
        return [], []
    better, evidence = found
    half = _precision(probe) == _HALF
    return [
        Finding(
            "precision" if half else "learning-rate",
            "optimizer",
            evidence,
            "Weights in half precision: squares of small gradients round to 0, and what is divided "
            "by their root is no step any more."
            if half
            else "The step ends higher on the other side of the valley than it began, and the next "
            "one higher still.",
            probe.words.half() if half else probe.words.rate(better, optimizer),
            advised=math.nan if half else better,
        )
    ], []


def _relative(new: Sequence[Array], old: Sequence[Array]) -> float | None:
    """Return by what share of their size the kernels moved, their median; None without kernels."""
    moved = [
        norm(np.asarray(after, dtype="float64") - np.asarray(before, dtype="float64")) / size
        for after, before in zip(new, old, strict=True)
        if before.ndim > 1 and (size := norm(before)) > 0
    ]
    return float(np.median(moved)) if moved else None


def _precision(probe: Probe) -> float:
    """Return the distance from 1 to the next number, of the first trainable weight."""
    weights = [weight for layer in probe.layers for weight in layer.weights.values()]
    first = (weight.epsilon for weight in weights if weight.place == 0)
    return next(first, float(np.finfo("float32").eps))


def _along(start: list[Array], first: list[Array], factor: float) -> list[Array]:
    return [(w + factor * (step - w)).astype(w.dtype) for w, step in zip(start, first, strict=True)]


def _short(probe: Probe, result: Pass, start: list[Array], bound: float) -> list[Finding]:
    """Return a finding if a longer step, a thousandth of the weights, lowers the loss.

    What rounding ate cannot be measured: the rate is raised until a step is above the bound.
    """
    rate = probe.optimizer.rate
    raised, moved = rate or _LEAST, 0.0
    while moved < bound and raised < 1:
        raised *= 1024
        twin = probe.stepper(raised)
        twin.step(result.weights)
        moved = _relative(twin.values, start) or 0.0
    if not bound <= moved < math.inf or rate / raised * moved >= _THOUSANDTH:
        return []
    first = twin.values
    lower = probe.loss(_along(start, first, _THOUSANDTH / moved))
    if not lower < result.loss * (1 - _SEEN):
        return []
    better = raised * _THOUSANDTH / moved
    # A thousandth is sure to be seen; where ten times as much helps more, it is advised.
    if probe.loss(_along(start, first, 10 * _THOUSANDTH / moved)) < lower:
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
            probe.words.rate(_rounded(better), probe.optimizer),
            advised=_rounded(better),
        )
    ]


def _long(
    probe: Probe,
    result: Pass,
    step: tuple[list[Array], list[Array]],
    losses: list[float],
    relative: float,
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
    rate = better = probe.optimizer.rate
    for _ in range(6):
        better /= 10
        if probe.loss(_along(*step, better / rate)) < result.loss:
            break
    if explodes:
        measured = f"loss {growth:.3g} times as large after {len(losses)} steps on one batch"
        evidence = f"{measured}, above {_GROWTH:.0f}"
    else:
        evidence = f"a step moves the weights by {relative:.3g} of their size, above {longest:.3g}"
    return _rounded(better), f"{evidence}; weights move by {relative:.2g} of their size a step"


def _rounded(rate: float) -> float:
    return float(f"{rate:.0e}")
