"""Steps on copies of the weights: how many may be taken, and what they lead to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from livegrad._checks import Array
from livegrad.doctor._facts import Pass, Probe

__all__ = ["LONG", "PLANNED", "STEPS", "Trial", "affordable", "cheap", "told", "tried"]

STEPS = 30
# Real steps that tell what thirty do not: units that die late, what is learned slowly; fewer
# where they are taken one by one.
LONG = 1000
# The multiplications that one pass may take, so that all trials together take some seconds.
_CHEAP = 1e8
# What a training without a plan is taken for.
PLANNED = 10_000


@dataclass
class Trial:
    """What some steps led to.

    Attributes:
        loss: at the end, without penalties, on all rows; infinite if it is not finite.
        broken: the pass in which something was not finite, and the step; None if all was.
        values: of the weights at the end.
        last: the loss of the last step that was finite.
    """

    loss: float
    broken: tuple[Pass, int] | None
    values: list[Array]
    last: float = math.nan

    @property
    def finite(self) -> bool:
        """Whether all steps gave finite numbers."""
        return self.broken is None


def cheap(result: Pass, share: float = 1.0) -> bool:
    """Whether a pass is cheap enough to take a hundred of them, on a share of the rows."""
    return _work(result) * share < _CHEAP and _recurrent(result) < 100


def _work(result: Pass) -> float:
    """Return the multiplications of a pass."""
    return sum(
        call.output.size * math.prod(call.layer.kernel.shape[:-1])
        for call in result.calls
        if call.output is not None and call.layer.kernel is not None
    )


def _recurrent(result: Pass) -> int:
    """Return the steps of all recurrent layers."""
    return sum(call.inputs[0].shape[1] for call in result.calls if call.layer.kind == "recurrent")


def affordable(result: Pass, share: float, steps: float, quick: bool) -> int:
    """Return how many steps may be taken, of those planned, that together cost a second or so.

    Args:
        result: of a pass on all rows.
        share: of the rows that a step takes.
        steps: that are planned.
        quick: whether many are taken at once.
    """
    passes = LONG if quick else 4 * STEPS
    if work := _work(result) * share:
        passes = min(passes, int(STEPS * _CHEAP / work))
    if recurrent := _recurrent(result):
        passes = min(passes, 5 * LONG // recurrent)
    return max(1, min(max(passes, STEPS), round(steps)))


def tried(
    probe: Probe,
    rate: float,
    *,
    batch: int | None = None,
    bare: bool = False,
    rows: Array | None = None,
    steps: int = STEPS,
    masks: bool = False,
    seed: int = 0,
) -> Trial:
    """Take some steps on copies of the weights.

    Args:
        probe: of the model.
        rate: of the steps.
        batch: examples a step, drawn from the rows; all of them without it.
        bare: whether penalties and decay are left out.
        rows: those that are trained on; all of the sample without it.
        steps: how many.
        masks: whether dropout is on, where steps can be taken so.
        seed: of the batches.
    """
    rng = np.random.default_rng(seed)
    rows = np.arange(probe.rows) if rows is None else rows
    batches = [rows] * steps
    if batch is not None and batch < len(rows):
        batches = [np.sort(rng.permutation(rows)[:batch]) for _ in range(steps)]
    losses: Sequence[float] | Array
    if probe.walk is not None and steps:
        losses, values = probe.walk(rate, np.stack(batches), bare=bare, masks=masks)
    else:
        losses, values = _one_by_one(probe, rate, batches, bare)
    moved = len(losses)
    last = float(losses[moved - 1]) if moved else math.nan
    if moved < steps:
        return Trial(math.inf, (probe.run(values, rows=batches[moved]), moved), values, last)
    end = probe.loss(values, rows=rows, bare=True)
    if not math.isfinite(end):
        return Trial(math.inf, (probe.run(values, rows=rows), steps), values, last)
    return Trial(end, None, values, last)


def _one_by_one(
    probe: Probe, rate: float, batches: list[Array], bare: bool
) -> tuple[list[float], list[Array]]:
    """Return the loss of each step that was finite, and the weights after it."""
    twin = probe.stepper(rate, bare=bare)
    losses: list[float] = []
    for at in batches:
        loss, gradients = probe.slopes(twin.values, rows=at, bare=bare)
        known = [g for g in gradients if g is not None]
        if not math.isfinite(loss) or not all(np.isfinite(g).all() for g in known):
            break
        losses.append(loss)
        twin.step(gradients)
    return losses, twin.values


def told(probe: Probe, baseline: float | None, way: dict[str, Any] | None = None) -> bool:
    """Whether the model itself tells held-out labels after some steps on the other rows.

    Args:
        probe: of the model.
        baseline: the loss of knowing nothing, where it is known.
        way: rate, batch and steps of one more trial, as ``tried`` takes them.
    """
    if baseline is None or probe.rows < 32:
        return False
    order = np.random.default_rng(0).permutation(probe.rows)
    half, rest = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    planned = probe.optimizer.lasting(probe.plan.steps() or PLANNED) / STEPS
    factors = sorted({1.0, 10.0, max(1.0, min(planned, 100.0))})
    ways: list[dict[str, Any]] = [{"rate": probe.optimizer.rate * factor} for factor in factors]
    for given in [*ways, *([way] if way else [])]:
        trial = tried(probe, **given, rows=half)
        if trial.finite and probe.loss(trial.values, rows=rest, bare=True) < 0.95 * baseline:
            return True
    return False
