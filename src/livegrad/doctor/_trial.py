"""Tried, not argued: some thirty steps on copies of the weights, as planned and in other ways.

Small steps follow the gradient's flow, which goes as far in n steps of a rate as in n / k steps of
k times the rate. So thirty steps stand for a whole training, at the rate that makes them as far as
its steps together. What does not get anywhere so is tried once more with one thing changed: a
larger rate, a smaller one, no penalty. If that gets far, the thing changed is the fault.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from livegrad._checks import Array
from livegrad.doctor._facts import Pass, Probe
from livegrad.doctor._report import Finding
from livegrad.doctor._signals import not_finite

__all__ = ["STEPS", "cheap", "learns", "told", "tried"]

STEPS = 30
# The multiplications that one pass may take, so that all trials together take some seconds.
_CHEAP = 1e8
# What a training without a plan is taken for.
_PLANNED = 10_000
# Of the loss of knowing nothing: above the first nothing is learned, below the second something is.
_NOTHING, _SOMETHING = 0.9, 0.7
# What must be reached in another way, as a share of what was reached in this one.
_FAR = 0.6


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


def cheap(result: Pass) -> bool:
    """Whether a pass is cheap enough to take a hundred of them."""
    work = sum(
        call.output.size * math.prod(call.layer.kernel.shape[:-1])
        for call in result.calls
        if call.output is not None and call.layer.kernel is not None
    )
    recurrent = sum(
        call.inputs[0].shape[1] for call in result.calls if call.layer.kind == "recurrent"
    )
    return work < _CHEAP and recurrent < 100


def tried(
    probe: Probe,
    rate: float,
    *,
    batch: int | None = None,
    bare: bool = False,
    rows: Array | None = None,
    steps: int = STEPS,
) -> Trial:
    """Take some steps on copies of the weights.

    Args:
        probe: of the model.
        rate: of the steps.
        batch: examples a step, drawn from the rows; all of them without it.
        bare: whether penalties and decay are left out.
        rows: those that are trained on; all of the sample without it.
        steps: how many.
    """
    rng = np.random.default_rng(0)
    rows = np.arange(probe.rows) if rows is None else rows
    twin = probe.stepper(rate, bare=bare)
    last = math.nan
    for step in range(steps):
        at = rows
        if batch is not None and batch < len(rows):
            at = np.sort(rng.permutation(rows)[:batch])
        loss, gradients = probe.slopes(twin.values, rows=at, bare=bare)
        known = [g for g in gradients if g is not None]
        if not math.isfinite(loss) or not all(np.isfinite(g).all() for g in known):
            return Trial(math.inf, (probe.run(twin.values, rows=at), step), twin.values, last)
        last = loss
        twin.step(gradients)
    values = twin.values
    end = probe.loss(values, rows=rows, bare=True)
    if not math.isfinite(end):
        return Trial(math.inf, (probe.run(values, rows=rows), steps), values, last)
    return Trial(end, None, values, last)


def learns(probe: Probe, result: Pass, baseline: float | None) -> tuple[list[Finding], bool | None]:
    """Return what keeps the model from learning on its sample, and whether it learns; None unknown.

    Args:
        probe: of the model.
        result: the pass at the weights as they are.
        baseline: the loss of knowing nothing, where it is known.
    """
    optimizer, plan = probe.optimizer, probe.plan
    start = result.loss - result.penalty
    reference = start if baseline is None else min(start, baseline)
    if not cheap(result) or optimizer.rate <= 0 or reference <= 0:
        return [], None
    planned = plan.steps() or _PLANNED
    lasting = optimizer.lasting(planned)
    steps = max(1, min(STEPS, round(lasting)))
    first = tried(probe, optimizer.rate, batch=plan.batch, steps=steps)
    if not first.finite:
        return _breaks(probe, first, start), False
    if baseline is not None and start < _SOMETHING * baseline:
        return [], True  # it comes with what it learned before
    if first.loss < _SOMETHING * reference:
        return [], True
    # As far as all steps together, where those first ones are fewer.
    whole = max(1.0, lasting / STEPS)
    after = first if whole == 1.0 else tried(probe, optimizer.rate * whole)
    if after.loss < _SOMETHING * reference:
        return [], True
    if result.penalty > 0 or optimizer.decay > 0:
        free = tried(probe, optimizer.rate * whole, bare=True)
        if free.loss < _FAR * min(after.loss, reference):
            return [_penalised(probe, result, after, free)], False
    stuck = first.loss >= _NOTHING * reference
    worse = first.loss > max(start, reference if baseline is None else baseline)
    for part in (10, 100, 1000):
        other = tried(probe, optimizer.rate / part, batch=plan.batch, steps=steps)
        # With steps so much shorter it gets further in as many.
        bound = min(first.loss, _SOMETHING / _FAR * start) if worse else reference
        if stuck and other.loss < _FAR * min(first.loss, bound):
            return [_long(probe, result, first, other, part)], False
        if other.loss < _SOMETHING * reference:
            return [], True
    for part in (3, 10, 30, 100):
        if part >= whole:
            break
        if tried(probe, optimizer.rate * whole / part).loss < _SOMETHING * reference:
            return [], True
    if whole == 1.0:
        other = tried(probe, optimizer.rate, batch=plan.batch, steps=4 * STEPS)
        if other.loss < _SOMETHING * min(after.loss, reference):
            return [_short(probe, result, after, other, planned, 4 * STEPS / steps)], False
    for factor in (10, 100, 1000):
        other = tried(probe, optimizer.rate * whole * factor)
        if other.loss < _FAR * min(after.loss, reference):
            return [_short(probe, result, after, other, planned, factor)], False
    return [], False


def _breaks(probe: Probe, first: Trial, start: float) -> list[Finding]:
    """Judge numbers that are not finite after some steps: the rate's fault, or the formula's.

    Where the rate is at fault the loss has grown before; a formula breaks where it is small, too.
    """
    assert first.broken is not None
    optimizer = probe.optimizer
    broken, step = first.broken
    calm = tried(probe, optimizer.rate / 10, batch=probe.plan.batch)
    if calm.finite and not first.last < start:
        return [
            Finding(
                "learning-rate",
                "optimizer",
                f"after {step} steps the loss or a gradient is not finite, and with a tenth of the "
                f"rate all of {STEPS} steps are",
                "Each step ends further up the other side of the valley.",
                probe.words.rate(float(f"{optimizer.rate / 10:.0e}"), optimizer),
            )
        ]
    found = not_finite(broken, probe.words) or [
        Finding(
            "non-finite",
            "loss",
            "a gradient is not finite, though loss and outputs are",
            "A formula with a root, a logarithm or a division has no slope where it ends.",
            probe.words.finite(),
        )
    ]
    when = f"; after {step} steps, the loss of the last of them is {first.last:.3g}"
    return [
        Finding(one.code, one.layer, one.evidence + when, one.why, one.fix) for one in found[:1]
    ]


def _penalised(probe: Probe, result: Pass, after: Trial, free: Trial) -> Finding:
    charged = [
        (weight.penalty[0] + weight.penalty[1], layer)
        for layer in probe.layers
        for weight in layer.weights.values()
    ]
    most, layer = max(charged, key=lambda pair: pair[0])
    decayed = probe.optimizer.decay > 0
    strength = most or probe.optimizer.decay
    fix = probe.words.decay(strength / 100) if decayed else None
    return Finding(
        "strong-penalty",
        "optimizer" if decayed else layer.name,
        f"after as many steps as planned the loss without penalties is {after.loss:.3g}, from "
        f"{result.loss - result.penalty:.3g}, and {free.loss:.3g} where nothing is charged; "
        f"strength {strength:g}",
        "Training lowers the sum of loss and penalty: here it shrinks weights instead of learning.",
        fix or probe.words.lighter(layer, float(f"{strength / 100:.0e}")),
    )


def _long(probe: Probe, result: Pass, first: Trial, other: Trial, part: int) -> Finding:
    optimizer = probe.optimizer
    return Finding(
        "learning-rate",
        "optimizer",
        f"after {STEPS} steps the loss is {first.loss:.3g}, from {result.loss:.3g}, and "
        f"{other.loss:.3g} with a rate {part} times as small; must not be so much lower",
        "The steps jump across the valley, or silence units for good.",
        probe.words.rate(float(f"{optimizer.rate / part:.0e}"), optimizer),
    )


def _short(
    probe: Probe, result: Pass, after: Trial, other: Trial, steps: int, factor: float
) -> Finding:
    optimizer, plan = probe.optimizer, probe.plan
    known = plan.steps()
    planned = f"the {steps} steps planned" if known else f"{steps} steps"
    small = plan.steps(32) or steps
    if plan.batch and plan.batch > 32 and 2 * plan.batch >= plan.total and small >= 5 * steps:
        return Finding(
            "batch-size",
            "data",
            f"batches of {plan.batch} of {plan.total} examples make {steps} steps in {plan.epochs} "
            f"epochs; that leads to a loss of {after.loss:.3g} from {result.loss:.3g}, and "
            f"{factor:g} times as far to {other.loss:.3g}",
            "A step is about as long whatever the batch: fewer steps go less far.",
            probe.words.batch(32),
        )
    now = ""
    if optimizer.schedule is not None or optimizer.began > 2 * optimizer.rate:
        now = f"; the rate is {optimizer.rate:.2g} now"
    if optimizer.clipped:
        now += "; {} is {:g}".format(*optimizer.clipped)
    return Finding(
        "learning-rate",
        "optimizer",
        f"{planned} of this rate lead to a loss of {after.loss:.3g} from {result.loss:.3g}, and "
        f"{factor:g} times as far to {other.loss:.3g}; must not be so much lower{now}",
        "The steps are so short, or so few, that training ends where it began.",
        probe.words.rate(float(f"{optimizer.rate * min(factor, 100):.0e}"), optimizer),
    )


def told(probe: Probe, baseline: float | None) -> bool:
    """Whether the model itself tells held-out labels after some steps on the other rows."""
    if baseline is None or probe.rows < 32:
        return False
    order = np.random.default_rng(0).permutation(probe.rows)
    half, rest = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
    planned = probe.optimizer.lasting(probe.plan.steps() or _PLANNED) / STEPS
    for factor in sorted({1.0, 10.0, max(1.0, min(planned, 100.0))}):
        trial = tried(probe, probe.optimizer.rate * factor, rows=half)
        if trial.finite and probe.loss(trial.values, rows=rest, bare=True) < 0.95 * baseline:
            return True
    return False
