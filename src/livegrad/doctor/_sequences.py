"""Layers that read a sequence: how far back a gradient reaches, and where attention looks.

What happens inside a recurrent layer shows in the gradient for what it is given, step by step: its
fall from the last step to the first is the product of the factors in time.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from livegrad._checks import Array
from livegrad.doctor._examples import related
from livegrad.doctor._facts import Call, Output, Pass, Probe
from livegrad.doctor._report import Finding
from livegrad.signals import A_TWENTIETH, GRADIENT_BOUNDS

__all__ = ["attention", "grows", "memory"]

# Fewer keys than these a query may look at one by one.
_KEYS = 8
# Steps of the optimizer in which a layer's memory is looked at.
_FIRST = 5


def memory(probe: Probe, result: Pass, heads: list[Output]) -> list[Finding]:
    """Return a finding for the first recurrent layer whose gradient does not reach what matters.

    Forgetting is no fault by itself: most layers forget in some dozen steps, and most tasks ask for
    the last ones. It is one where padding fills the last steps, and where the early steps tell the
    labels and the late ones do not.
    """
    for call in result.calls:
        if call.layer.kind != "recurrent" or not call.inputs or not call.gradients:
            continue
        x, gradient = call.inputs[0], call.gradients[0]
        if gradient is None or x.ndim != 3 or x.shape[1] < 3:
            continue
        by_step = np.sqrt(np.mean(gradient.astype("float64") ** 2, axis=(0, 2)))  # (steps,)
        if not by_step.any():
            continue
        low, high = GRADIENT_BOUNDS["Adam" if probe.optimizer.adaptive else "SGD"]
        # Behind the last word of a mask there is none.
        ratio = by_step[0] / by_step[-1] if by_step[-1] > 0 else 1.0
        if ratio > high and by_step.argmax() < len(by_step) // 2:
            return [_explodes(probe, call, ratio, high)]
        padded = _padded(probe, call)
        if padded:
            return padded
        if ratio < low:
            found = _forgets(probe, call, by_step, low, heads)
            if found:
                return found
    return []


def grows(probe: Probe, result: Pass) -> list[Finding]:
    """Return a finding if the optimizer's first steps make a recurrent layer explode in time.

    A layer without an upper end does so where its recurrent weights grow beyond 1: the step's
    length is then a matter of the factor in time, not of the rate alone.
    """
    if not any(call.layer.kind == "recurrent" for call in result.calls):
        return []
    _, high = GRADIENT_BOUNDS["Adam" if probe.optimizer.adaptive else "SGD"]
    twin, gradients = probe.stepper(), result.weights
    for step in range(1, _FIRST + 1):
        twin.step(gradients)
        after = probe.run(twin.values)
        for call in after.calls:
            if call.layer.kind != "recurrent" or not call.inputs or call.output is None:
                continue
            if not np.isfinite(call.inputs[0]).all():
                continue
            gradient = call.gradients[0] if call.gradients else None
            ratio = np.nan
            if gradient is not None and gradient.ndim == 3 and gradient.shape[1] > 2:
                sizes = np.sqrt(np.mean(gradient.astype("float64") ** 2, axis=(0, 2)))  # (steps,)
                ratio = sizes[0] / sizes[-1] if sizes[-1] > 0 else np.nan
                if sizes.argmax() >= len(sizes) // 2:
                    ratio = np.nan
            if ratio > high or not np.isfinite(call.output).all():
                found = _explodes(probe, call, ratio, high)
                steps = f"{step} step{'s' if step > 1 else ''}"
                return [replace(found, evidence=f"after {steps} of this rate {found.evidence}")]
        if not all(np.isfinite(g).all() for g in after.weights if g is not None):
            return []
        gradients = after.weights
    return []


def _explodes(probe: Probe, call: Call, ratio: float, high: float) -> Finding:
    steps = call.inputs[0].shape[1]
    return Finding(
        "exploding-gradient",
        call.layer.name,
        f"the gradient at the first of {steps} steps is {ratio:.3g} times that at the last, above "
        f"{high:g}",
        "The same factor stands in the product at each step: one above 1 grows with the sequence.",
        probe.words.recurrent(call.layer),
    )


def _padded(probe: Probe, call: Call) -> list[Finding]:
    """Judge padding at the end, by what is left of the gradient at the last step that is none."""
    x, gradient = call.inputs[0], call.gradients[0]
    assert gradient is not None
    if _masked(probe):
        return []
    n, steps = x.shape[:2]
    # Padding: at the end of each example the same vector, twice and more.
    same = np.all(np.abs(x[:, 1:] - x[:, -1:]) <= 1e-7, axis=2)  # (n, steps - 1)
    same = np.concatenate([np.zeros((n, 1), bool), same], axis=1)
    lengths = steps - np.argmin(same[:, ::-1], axis=1)  # of what is no padding
    short = lengths < steps - 1
    if np.mean(short) < 0.5:
        return []
    sizes = np.linalg.norm(gradient.astype("float64"), axis=2)  # (n, steps)
    last = sizes[np.arange(n), np.maximum(lengths - 1, 0)]
    end = sizes[:, -1]
    left = float(np.median(last[short] / np.maximum(end[short], 1e-300)))
    low, _ = GRADIENT_BOUNDS["Adam" if probe.optimizer.adaptive else "SGD"]
    if left >= low:
        return []
    padding = int(np.median(steps - lengths[short]))
    return [
        Finding(
            "ignored-mask",
            call.layer.name,
            f"{padding} steps of padding follow the last word, in the middle; the gradient that is "
            f"left there is {left:.2g} of that at the end, below {low:g}",
            "The layer reads the padding too, and forgets what came before.",
            probe.words.masked(),
        )
    ]


def _masked(probe: Probe) -> bool:
    return any(layer.kind == "embedding" and layer.masked for layer in probe.layers) or any(
        layer.type == "Masking" for layer in probe.layers
    )


def _forgets(
    probe: Probe, call: Call, by_step: Array, low: float, heads: list[Output]
) -> list[Finding]:
    """Judge what the steps tell of the labels, those that the gradient reaches and the others."""
    series = [x for x in probe.x if x.ndim >= 2 and x.shape[1] == len(by_step)]
    if len(heads) != 1 or heads[0].some is None or len(series) != 1:
        return []
    (x,) = series
    reached = by_step >= low * by_step.max()
    if reached.all() or not reached.any():
        return []
    early = related([np.ascontiguousarray(x[:, ~reached])], heads[0].some)
    late = related([np.ascontiguousarray(x[:, reached])], heads[0].some)
    if early is None or late is None or early > A_TWENTIETH or late <= A_TWENTIETH:
        return []
    first = by_step[0] / by_step.max()
    return [
        Finding(
            "vanishing-gradient",
            call.layer.name,
            f"the gradient at the first of {len(by_step)} steps is {first:.2g} of the largest, "
            f"below {low:g}; the {int(np.sum(~reached))} steps that it does not reach tell the "
            f"labels (p {early:.2g}), the others do not (p {late:.2g})",
            "The same factor stands in the product at each step: one below 1 falls with the "
            "sequence, and what lies far back is never learned.",
            probe.words.recurrent(call.layer),
        )
    ]


def _shares(result: Pass, call: Call) -> Array | None:
    """Return what a call gave, if it is shares of a place in several others."""
    made = call.output
    if made is None or made.ndim < 3 or made.shape[-1] < 2:
        return None
    if call.layer.kind not in ("activation", "other") or any(made is o for o in result.outputs):
        return None
    told = bool(np.min(made) >= 0) and bool(np.allclose(made.sum(axis=-1), 1, atol=1e-3))
    return made if told else None


def attention(probe: Probe, result: Pass) -> list[Finding]:
    """Return a finding for the first attention whose queries look at one key each.

    A softmax's slope p (1 - p) is nearly 0 where one share is nearly 1: no gradient reaches queries
    and keys.
    """
    for call in result.calls:
        scores = call.scores if call.scores is not None else _shares(result, call)
        if scores is None or scores.shape[-1] < _KEYS:
            continue
        if np.ptp(scores) == 0 and np.allclose(scores, 1 / scores.shape[-1]):
            return [
                Finding(
                    "attention",
                    call.layer.name,
                    f"each query gives each of {scores.shape[-1]} keys the same share, to the last "
                    "digit",
                    "The scores are all 0: queries and keys get no gradient, and stay so.",
                    probe.words.attend(),
                )
            ]
        largest = scores.max(axis=-1).astype("float64")
        # The slope of many small shares is as low, and they all have a gradient.
        flat = float(np.mean((largest > 0.5) & (4 * largest * (1 - largest) < A_TWENTIETH)))
        if flat <= 0.5:
            continue
        return [
            Finding(
                "attention",
                call.layer.name,
                f"{flat:.0%} of the queries give one of {scores.shape[-1]} keys nearly all, above "
                "50%",
                "Queries and keys are so large that the softmax is flat: no gradient tells them "
                "where else to look.",
                probe.words.attend(),
            )
        ]
    return []
