"""Whether a gradient arrives at all: weights that it does not reach, and a loss turned round."""

from __future__ import annotations

import math

import numpy as np

from livegrad._checks import Array
from livegrad.doctor._facts import Call, Output, Pass, Probe, norm
from livegrad.doctor._report import Finding

__all__ = ["cut", "left_out", "paired", "sign", "stray"]

_WHY = "What has no gradient is not moved: all that lies below stays what chance made it."
_ALL = "must be all of them"


def cut(probe: Probe, result: Pass, known: bool = True) -> list[Finding]:
    """Return a finding where the gradient ends before it has reached all weights.

    A gradient may be missing (the loss does not depend on the weights, as far as the framework can
    tell) or be 0 everywhere below a function that is flat. A layer whose kernel is 0 sends a
    gradient of 0 too, and one whose units are all dead: they are no cuts.

    Args:
        probe: of the model.
        result: of a pass.
        known: whether the loss is known here. Another may be flat itself, which penalties hide.
    """
    if math.isnan(result.loss):
        return []
    if not known and result.loss - result.penalty > 1e-6:
        # A loss may be given what stands before the answers, by a framework or by the model.
        slopes = [g for c in result.calls for g in (c.gradient, c.delta, *c.gradients)]
        if all(slope is None or _is_zero(slope) for slope in slopes):
            size = sum(out.size for out in result.outputs)
            evidence = f"the loss has no slope for any of the {size} entries of the answers"
            return [_finding(probe, "loss", f"{evidence}, must have one for some")]
    called = {id(call.layer): call for call in result.calls}
    missing, there = [], 0
    for layer in probe.layers:
        for weight in layer.weights.values():
            if weight.place is None or id(layer) not in called or len(weight.shape) < 2:
                continue
            if result.weights[weight.place] is None:
                missing.append(layer.name)
            else:
                there += 1
    if missing and not there:
        where = _ends(result) or "loss"
        return [_finding(probe, where, f"0 of {len(missing)} kernels get a gradient, {_ALL}")]
    flat = _flat(result)
    if flat is not None:
        return [_finding(probe, *flat)]
    if missing and len({id(out) for out in result.outputs}) == 1:
        evidence = f"{there} of {len(missing) + there} kernels get a gradient, {_ALL}"
        return [_finding(probe, _ends(result) or missing[-1], evidence)]
    return []


def _finding(probe: Probe, where: str, evidence: str) -> Finding:
    return Finding("cut-gradient", where, evidence, _WHY, probe.words.smooth())


def _ends(result: Pass) -> str | None:
    """Return the layer that is given a gradient and passes none on."""
    for call in reversed(result.calls):
        got = call.gradient is not None or call.delta is not None
        above = bool(call.parents) and not call.first
        if got and above and call.gradients and all(g is None for g in call.gradients):
            # A linear map passes on what it gets: what it was given was cut off before.
            cause = result.calls[call.parents[0]] if call.layer.weighted else call
            return cause.layer.name
    return None


def _flat(result: Pass) -> tuple[str, str] | None:
    """Return the first place, from the output, below which the gradient is 0 for no good reason."""
    for at in reversed(range(len(result.calls))):
        above = result.calls[at]
        for place in above.parents:
            below = result.calls[place]
            if not _is_zero(below.gradient) or below.layer.trainable is False:
                continue
            known = any(given is below.output for given in above.inputs)
            # Between two calls that share no array, something unseen was computed.
            sent = max((norm(g) for g in above.gradients if g is not None), default=0.0)
            unseen = not known and sent > 0
            own = known and above.layer.kind == "other" and not _is_zero(above.gradient)
            own = own and above.gradient is not None and not above.layer.weights
            if unseen or own:
                name = above.layer.name
                zeros = f"the gradient below {name} is 0 in all {_size(below)} entries"
                return name, f"{zeros}, must be another number in some"
    return None


def _is_zero(gradient: Array | None) -> bool:
    return gradient is not None and gradient.size > 0 and not np.any(gradient)


def _size(call: Call) -> int:
    return 0 if call.output is None else int(call.output.size)


def left_out(probe: Probe) -> list[Finding]:
    """Return a finding for the first trainable layer that the optimizer was not made for."""
    moved = probe.optimizer.moved
    if moved is None:
        return []
    for layer in probe.layers:
        own = [w for w in layer.weights.values() if w.place is not None]
        out = [w for w in own if w.path not in moved]
        if out:
            return [
                Finding(
                    "frozen",
                    layer.name,
                    f"{len(out)} of its {len(own)} trainable weights are not the optimizer's, must "
                    "be 0",
                    "The optimizer was made before, for other weights: these get a gradient, and "
                    "no step.",
                    probe.words.again(),
                )
            ]
    return []


def stray(probe: Probe, result: Pass) -> list[Finding]:
    """Return a finding if answers depend on weights that the model does not know to be its own."""
    if not result.stray:
        return []
    return [
        Finding(
            "frozen",
            "model",
            f"{result.stray} weights that the answers depend on are neither among the model's nor "
            "among the optimizer's, must be 0",
            "No step moves them: what lies in a plain list is not found when the model is asked "
            "for its weights.",
            probe.words.tracked(),
        )
    ]


def paired(head: Output) -> list[Finding]:
    """Return a finding if a loss is the same whatever label an answer is compared with.

    A loss that is not known here, and that takes the difference of arrays of unlike shapes, spreads
    them out: each answer is compared with all labels.
    """
    if head.kind or head.cost is None or head.some is None or len(head.output) < 4:
        return []
    answers = head.output[: len(head.some)]
    if len(answers) < 4 or len(np.unique(head.some[: len(answers)])) < 2:
        return []
    rng = np.random.default_rng(0)
    wide = np.asarray(answers + rng.normal(0, np.std(answers) + 1.0, answers.shape), "float32")
    try:
        costs = [head.cost(wide), head.cost(wide[rng.permutation(len(wide))])]
    except Exception:
        return []
    if not np.isfinite(costs).all() or abs(costs[0] - costs[1]) > 1e-5 * abs(costs[0]):
        return []
    return [
        Finding(
            "label-mismatch",
            "data",
            f"the loss is {costs[0]:.5g}, and the same where the answers change places: it does "
            f"not depend on which label belongs to which; labels {head.some.shape}, answers "
            f"{answers.shape}",
            "Arrays of unlike shapes are stretched to each other: each answer is compared with all "
            "labels.",
            "y = y.reshape(answers.shape)",
        )
    ]


def sign(head: Output, probe: Probe) -> list[Finding]:
    """Return a finding if a loss rewards wrong answers.

    A loss that is not known here is asked what the labels themselves would cost as answers, and
    what the labels of other examples would. One that costs nothing where two labels have changed
    places takes answers of another kind: of a pair that is alike, the distance is to be 0.
    """
    answers = None if head.kind or head.cost is None else _answers(head)
    if answers is None or head.cost is None:
        return []
    order = np.roll(np.arange(len(answers)), max(1, len(answers) // 2))
    if np.array_equal(answers, answers[order]):
        return []
    try:
        right, wrong = head.cost(answers), head.cost(answers[order])
    except Exception:
        return []
    if not (math.isfinite(right) and math.isfinite(wrong)) or right <= wrong + 1e-6 * abs(wrong):
        return []
    if len(np.unique(answers)) == 2 and head.activation not in ("sigmoid", "softmax"):
        turned = head.cost(np.asarray(answers.min() + answers.max() - answers))
        if 0 <= turned <= 1e-3 * right:
            return []
    return [
        Finding(
            "loss-sign",
            "loss",
            f"the labels as answers cost {right:.4g}, those of other examples {wrong:.4g}; what is "
            "right must cost less",
            "Training lowers the loss: it drives the answers away from the labels.",
            "loss = -loss",
        )
    ]


def _answers(head: Output) -> Array | None:
    """Return the labels in the form of the output; None where they have no such form."""
    y, output = head.some, head.output
    if y is None or y.dtype.kind not in "fiub":
        return None
    shape = (len(y), *output.shape[1:])
    if y.size == math.prod(shape):
        answers = y.reshape(shape).astype("float32")
        inside = output.min() >= 0 and output.max() <= 1
        return np.asarray(np.clip(answers, 0.01, 0.99) if inside else answers)
    whole = y.dtype.kind in "iub" or bool(np.all(y == np.round(y)))
    if y.size == math.prod(shape[:-1]) and whole and y.min() >= 0 and y.max() < shape[-1]:
        columns = np.eye(shape[-1], dtype="float32")[y.astype(int).reshape(shape[:-1])]
        sums = output.sum(axis=-1)
        if output.min() >= 0 and np.allclose(sums, 1, atol=1e-3):
            columns = 0.9 * columns + 0.1 / shape[-1]
        else:
            columns = 5 * columns
        return np.asarray(columns, dtype="float32")
    return None
