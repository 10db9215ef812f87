"""Tried, not argued: steps on copies of the weights, as planned and in other ways.

Small steps follow the gradient's flow, which goes as far in n steps of a rate as in n / k steps of
k times the rate. So thirty steps stand for a whole training, at the rate that makes them as far as
its steps together; where these are few, all of them are taken. What does not get anywhere so is
tried once more with one thing changed: a larger rate, a smaller one, no penalty, no dropout. If
that gets far, the thing changed is the fault.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from livegrad import initializers
from livegrad._checks import Array
from livegrad.doctor._facts import Pass, Probe
from livegrad.doctor._path import Path, through
from livegrad.doctor._report import Finding
from livegrad.doctor._signals import not_finite
from livegrad.doctor._trial import LONG, PLANNED, STEPS, Trial, affordable, cheap, tried

__all__ = ["Learning"]

# Of the loss of knowing nothing: above the first nothing is learned, below the second something is.
_NOTHING, _SOMETHING = 0.9, 0.7
# What must be reached in another way, as a share of what was reached in this one.
_FAR = 0.6
# Of the loss of knowing nothing: what planned steps end above is little, if one thing changed leads
# to so much less.
_LITTLE, _MUCH = 0.5, 0.3
# Of the targets above 0, the share of answers there below which a ReLU's answers are dead.
_DEAD = 0.1
# What is flat at both ends, and what has the slope 1 in its place.
_FLAT = ("sigmoid", "hard_sigmoid", "tanh", "softsign")


class Learning:
    """What steps lead to, as planned and with one thing changed.

    Args:
        probe: of the model.
        result: the pass at the weights as they are.
        baseline: the loss of knowing nothing, where it is known.
        least: the loss of knowing all.
        noise: the variance that masks add, in that of the signal.
    """

    def __init__(
        self,
        probe: Probe,
        result: Pass,
        baseline: float | None,
        least: float = 0.0,
        noise: float = 0.0,
    ) -> None:
        self.probe, self.result, self.least, self.noise = probe, result, least, noise
        self.optimizer, self.batch = probe.optimizer, probe.plan.batch
        self.start = result.loss - result.penalty - least
        self.known = None if baseline is None else baseline - least
        self.reference = self.start if self.known is None else min(self.start, self.known)
        self.planned = probe.plan.steps() or PLANNED
        self.lasting = self.optimizer.lasting(self.planned)
        share = min(1.0, (self.batch or probe.rows) / probe.rows)
        self.judged = cheap(result, share) and self.optimizer.rate > 0 and self.reference > 0
        # Steps that are really taken, with batches as planned; the others with all rows.
        self.count = affordable(result, share, self.lasting, probe.walk is not None)
        self.full = None if cheap(result) else self.batch
        # Rate and steps of the last trial, which a finding about the steps' length comes from.
        self.way: dict[str, Any] = {}

    def left(self, trial: Trial) -> float:
        """Return what is left to learn after a trial."""
        return trial.loss - self.least

    def real(
        self,
        factor: float = 1.0,
        steps: int | None = None,
        *,
        bare: bool = False,
        masks: bool = False,
        seed: int = 0,
    ) -> Trial:
        """Take steps as planned, but for their rate."""
        self.way = {
            "rate": self.optimizer.rate * factor,
            "batch": self.batch,
            "steps": self.count if steps is None else steps,
            "masks": masks,
        }
        return tried(self.probe, **self.way, bare=bare, seed=seed)

    def _by_chance(self, bound: float, masks: bool = False) -> bool:
        """Whether the batches in another order lead below a bound: near an edge, chance decides."""
        return any(self.left(self.real(masks=masks, seed=seed)) < bound for seed in (1, 2))

    def far(self, factor: float, *, bare: bool = False) -> Trial:
        """Take thirty steps, each so many times as long."""
        self.way = {"rate": self.optimizer.rate * factor, "batch": self.full}
        return tried(self.probe, **self.way, bare=bare)

    def judge(self) -> tuple[list[Finding], bool | None]:
        """Return what keeps the model from learning, and whether it learns; None unknown."""
        if not self.judged:
            return [], None
        good = _SOMETHING * self.reference
        steps = max(1, min(STEPS, round(self.lasting)))
        first = self.real(steps=steps)
        if not first.finite:
            self.way = {}
            return _breaks(self.probe, first, self.start + self.least), False
        if self.known is not None and self.start < _SOMETHING * self.known:
            return [], True  # it comes with what it learned before
        if self.left(first) < good:
            return self._stays(first)
        # As far as all steps together, where those first ones are fewer.
        whole = max(1.0, self.lasting / STEPS)
        after = first if whole == 1.0 else self.far(whole)
        if self.left(after) < good and self.count < self.lasting:
            return self._stays(first)
        real = self.real() if self.count > steps else first
        if self.left(real) < good:
            return self._stays(real)
        best = min(self.left(real), self.reference)
        if self.count < self.lasting:
            best = min(best, self.left(after))
        charged = self._charged(whole, best, real)
        if charged:
            return charged, False
        found, learns = self._too_high(real, good)
        if found or learns:
            return found, learns
        for part in (3, 10, 30, 100):
            if part >= whole or self.count >= self.lasting:
                break
            if self.left(self.far(whole / part)) < good:
                return [], True
        return self._too_low(real, after, best, whole, good)

    def _charged(self, whole: float, best: float, real: Trial) -> list[Finding]:
        if self.result.penalty <= 0 and self.optimizer.decay <= 0:
            return []
        for free in (self.far(whole, bare=True), self.real(bare=True)):
            if self.left(free) < _FAR * best:
                return [_penalised(self.probe, self.result, real, free)]
        return []

    def _too_high(self, real: Trial, good: float) -> tuple[list[Finding], bool]:
        stuck = self.left(real) >= _NOTHING * self.reference
        worse = self.left(real) > max(
            self.start, self.reference if self.known is None else self.known
        )
        still = stuck and self._still(real)
        for part in (10, 100, 1000):
            other = self.real(1 / part)
            # With steps so much shorter it gets further in as many.
            bound = min(self.left(real), _SOMETHING / _FAR * self.start)
            bound = bound if worse else self.reference
            if stuck and self.left(other) < _FAR * min(self.left(real), bound):
                if self._by_chance(good):
                    return [], True
                return [*self._long(real, other, part), *self._silent(real)], False
            if still and other.finite and not self._still(other):
                return [*self._long(real, other, part, still), *self._silent(real)], False
            if self.left(other) < good:
                return [], True
        return self._silent(real), False

    def _still(self, trial: Trial) -> bool:
        """Whether no weight has a gradient any more."""
        if not trial.finite:
            return False
        _, found = self.probe.slopes(trial.values, rows=np.arange(self.probe.rows), bare=True)
        return not any(np.any(gradient) for gradient in found if gradient is not None)

    def _silent(self, trial: Trial) -> list[Finding]:
        """Return a finding if the answers of a ReLU have died on the way."""
        if not trial.finite or self.left(trial) < _NOTHING * self.reference:
            return []
        result = self.probe.run(trial.values)
        head = through(result.calls, result.outputs).head
        if head is None or len(self.probe.y) != 1:
            return []
        last = [head.call, *head.followers][-1]
        if last.output is None or last.layer.activation not in ("relu", "relu6"):
            return []
        answers, wanted = float(np.mean(last.output > 0)), float(np.mean(self.probe.y[0] > 0))
        if answers > _DEAD * wanted:
            return []
        return [
            Finding(
                "dead-units",
                head.name,
                f"{answers:.2%} of its answers are above 0 after {self.count} steps, and "
                f"{wanted:.2%} of the targets; must be a tenth of those and more",
                "An answer that is 0 whatever comes in has slope 0: nothing brings it back.",
                self.probe.words.layer(head.call.layer, activation="linear"),
            )
        ]

    def _too_low(
        self, real: Trial, after: Trial, best: float, whole: float, good: float
    ) -> tuple[list[Finding], bool]:
        few = self.count >= self.lasting and self.count <= 4 * STEPS
        if few:
            longer = 4 * max(self.count, STEPS)
            other = self.real(steps=longer)
            if self.left(other) < _SOMETHING * best:
                return [self._short(real, other, longer / self.count)], False
        for factor in (10, 100, 1000):
            other = self.real(factor)
            if factor * self.count <= self.lasting:
                if self.left(other) < good:
                    return [], True  # no further than the planned steps go
            elif self.left(other) < _FAR * best:
                return [self._short(real, other, factor)], False
            other = self.far(whole * factor)
            if self.left(other) < _FAR * min(best, self.left(after)):
                return [self._short(after, other, factor)], False
        if few:
            other = self.real(10, 10 * self.count)
            if self.left(other) < _FAR * best:
                return [self._short(real, other, 100)], False
        return [], False

    def _stays(self, first: Trial) -> tuple[list[Finding], bool]:
        """Judge what is learned in as many steps as planned, with dropout on where it counts."""
        if self.probe.walk is None or self.count <= STEPS // 2:
            return [], True
        masks = self.noise > 1
        # Where steps are dear, and not all are taken anyhow, it is enough to see it learn.
        if not masks and self.count < min(LONG, self.lasting):
            enough = _LITTLE * self.reference
            if self.left(first) < enough or self.left(self.real(steps=self.count // 3)) < enough:
                return [], True
        real = self.real(masks=masks)
        if self.left(real) < _LITTLE * self.reference:
            return [], True
        if masks and self.left(real) >= _NOTHING * self.reference:
            calm = self.real()
            if self.left(calm) < _SOMETHING * self.reference:
                return [self._buried(real, calm)], False
        best = min(self.left(real), self.reference)
        other = self.real(0.1, masks=masks)
        if self.left(other) < _MUCH * best:
            if self._by_chance(self.left(other) / _MUCH, masks):
                return [], True
            return self._long(real, other, 10), False
        if self.count >= self.lasting:
            other = self.real(10, masks=masks)
            if self.left(other) < _MUCH * best:
                return [self._short(real, other, 10)], False
        return [], True

    def balanced(self, rows: Array) -> bool:
        """Whether as many steps of this rate learn rows of which each class has as many."""
        start = self.probe.loss(rows=rows, bare=True)
        trial = tried(
            self.probe, self.optimizer.rate, batch=self.batch, rows=rows, steps=self.count
        )
        return trial.loss < _SOMETHING * start

    def bent(self, path: Path) -> list[Finding]:
        """Return a finding if what leads nowhere learns with ReLUs in place of flat curves."""
        flat = [block for block in path.blocks if block.activation in _FLAT]
        probe = self.probe
        if not self.judged or not flat or probe.instead is None:
            return []
        calls = [call for block in flat for call in [block.call, *block.followers]]
        names = {call.layer.name for call in calls if call.layer.activation in _FLAT}
        values = probe.values()
        for at, block in enumerate(flat):
            kernel, bias = block.call.layer.kernel, block.call.layer.bias
            if kernel is None or kernel.place is None:
                return []
            drawn = initializers.get("he_normal")(kernel.shape, rng=at)
            values[kernel.place] = kernel.back(drawn).astype(values[kernel.place].dtype)
            if bias is not None and bias.place is not None:
                values[bias.place] = np.zeros_like(values[bias.place])
        real = self.real()
        with probe.instead(names, values) as other:
            best = tried(other, self.optimizer.rate, batch=self.batch, steps=self.count)
        if self.left(best) >= min(_SOMETHING * self.reference, _FAR * self.left(real)):
            return []
        first = flat[0]
        which = ", ".join(dict.fromkeys(block.activation for block in flat))
        return [
            Finding(
                "vanishing-gradient",
                first.name,
                f"after {self.count} steps the loss is {real.loss:.3g}, from "
                f"{self.result.loss:.3g}, and {best.loss:.3g} with ReLUs in place of {which} in "
                f"{len(flat)} layers; must not be so much lower",
                "The flat curves pass on so little of gradient and signal that these steps do not "
                "get them anywhere.",
                probe.words.layer(first.call.layer, activation="relu", initializer="he_normal"),
            )
        ]

    def _buried(self, real: Trial, calm: Trial) -> Finding:
        masks = [layer for layer in self.probe.layers if layer.kind == "mask" and layer.rate > 0]
        worst = max(masks, key=lambda layer: layer.rate)
        return Finding(
            "dropout-rate",
            worst.name,
            f"after {self.count} steps with {len(masks)} masks the loss is {real.loss:.3g}, from "
            f"{self.result.loss:.3g}, and {calm.loss:.3g} without; must not be so much lower",
            "The masks hide so much that a step learns little of what the next one needs.",
            self.probe.words.mask(0.2),
        )

    def _long(self, first: Trial, other: Trial, part: int, still: bool = False) -> list[Finding]:
        rate = self.optimizer.rate / part
        left = "; no weight has a gradient left, and with the smaller rate they have one"
        return [
            Finding(
                "learning-rate",
                "optimizer",
                f"after {self.count} steps the loss is {first.loss:.3g}, from "
                f"{self.result.loss:.3g}, and {other.loss:.3g} with a rate {part} times as small"
                + (left if still else "; must not be so much lower"),
                "The steps jump across the valley, or silence units for good.",
                self.probe.words.rate(float(f"{rate:.0e}"), self.optimizer),
            )
        ]

    def _short(self, after: Trial, other: Trial, factor: float) -> Finding:
        probe, result, steps = self.probe, self.result, self.planned
        optimizer, plan = probe.optimizer, probe.plan
        known = plan.steps()
        planned = f"the {steps} steps planned" if known else f"{steps} steps"
        small = plan.steps(32) or steps
        if plan.batch and plan.batch > 32 and 2 * plan.batch >= plan.total and small >= 5 * steps:
            return Finding(
                "batch-size",
                "data",
                f"batches of {plan.batch} of {plan.total} examples make {steps} steps in "
                f"{plan.epochs} epochs; that leads to a loss of {after.loss:.3g} from "
                f"{result.loss:.3g}, and {factor:g} times as far to {other.loss:.3g}",
                "A step is about as long whatever the batch: fewer steps go less far.",
                probe.words.batch(32),
            )
        now, mean = "", optimizer.rate * self.lasting / self.planned
        if optimizer.schedule is not None or optimizer.began > 2 * optimizer.rate:
            now = f"; the rate is {optimizer.rate:.2g} now"
            if optimizer.schedule is not None and known and optimizer.rate > 0:
                end = optimizer.schedule(optimizer.taken + steps - 1)
                if not 0.5 < end / optimizer.rate < 2:
                    now += f", and {end:.2g} at the last of these steps"
        if optimizer.clipped:
            now += "; {} is {:g}".format(*optimizer.clipped)
        return Finding(
            "learning-rate",
            "optimizer",
            f"{planned} of this rate lead to a loss of {after.loss:.3g} from {result.loss:.3g}, "
            f"and {factor:g} times as far to {other.loss:.3g}; must not be so much lower{now}",
            "The steps are so short, or so few, that training ends where it began.",
            # What a constant rate must be to go as far in as many steps.
            probe.words.rate(float(f"{mean * min(factor, 100):.0e}"), optimizer),
        )


def _breaks(probe: Probe, first: Trial, start: float) -> list[Finding]:
    """Judge numbers that are not finite after some steps: the rate's fault, or the formula's.

    Where the rate is at fault the loss has grown before; a formula breaks where it is small, too.
    """
    assert first.broken is not None
    optimizer = probe.optimizer
    broken, step = first.broken
    calm = tried(probe, optimizer.rate / 10, batch=probe.plan.batch)
    where = not_finite(broken, probe.words)
    if calm.finite and not first.last < start:
        recurrent = {layer.name for layer in probe.layers if layer.kind == "recurrent"}
        within = [
            Finding(
                "exploding-gradient",
                one.layer,
                f"after {step} steps of this rate {one.evidence}",
                "The same factor stands in the product at each step: one above 1 grows with the "
                "sequence.",
                probe.words.recurrent(next(la for la in probe.layers if la.name == one.layer)),
            )
            for one in where
            if one.layer in recurrent
        ]
        return [
            *within,
            Finding(
                "learning-rate",
                "optimizer",
                f"after {step} steps the loss or a gradient is not finite, and with a tenth of the "
                f"rate all of {STEPS} steps are",
                "Each step ends further up the other side of the valley.",
                probe.words.rate(float(f"{optimizer.rate / 10:.0e}"), optimizer),
            ),
        ]
    found = where or [
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
