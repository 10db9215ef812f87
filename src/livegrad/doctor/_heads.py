"""The output layer, the loss, the labels and the metrics: whether they speak of the same thing."""

from __future__ import annotations

import math

import numpy as np

from livegrad._checks import Array
from livegrad.doctor._facts import Output, Words
from livegrad.doctor._report import Finding

__all__ = ["KNOWN", "baseline_loss", "judge", "least_loss"]

_SQUARED = {
    "meansquarederror",
    "meanabsoluteerror",
    "meanabsolutepercentageerror",
    "meansquaredlogarithmicerror",
    "huber",
    "logcosh",
}
_BINARY = {"binarycrossentropy", "binaryfocalcrossentropy"}
_CATEGORICAL = {"categoricalcrossentropy", "categoricalfocalcrossentropy"}
_SPARSE = {"sparsecategoricalcrossentropy"}
_HINGE = {"hinge", "squaredhinge"}
# It takes two distributions.
_DIVERGENCE = "kldivergence"
# It takes class numbers and the logarithms of probabilities.
_LOGARITHMS = "negativeloglikelihood"
KNOWN = _SQUARED | _BINARY | _CATEGORICAL | _SPARSE | _HINGE | {"poisson", _DIVERGENCE, _LOGARITHMS}
"""The losses that are judged, lower case without underscores."""
_RANGES = {
    "sigmoid": (0.0, 1.0),
    "hard_sigmoid": (0.0, 1.0),
    "softmax": (0.0, 1.0),
    "tanh": (-1.0, 1.0),
    "softsign": (-1.0, 1.0),
    "relu": (0.0, np.inf),
    "relu6": (0.0, 6.0),
    "softplus": (0.0, np.inf),
    "exponential": (0.0, np.inf),
}


def judge(head: Output, words: Words) -> list[Finding]:
    """Return the findings on one output: at most one on each of labels, output and metrics."""
    labels = _labels(head, words)
    if labels and labels.stops and head.kind in _SQUARED:
        return [labels]  # what is meant for measurements is known when the labels fit
    finite = bool(np.isfinite(head.output).all())
    output = _output(head, words) if finite else None
    judged = (labels, output, _metric(head, words))
    return [finding for finding in judged if finding]


def _mismatch(head: Output, evidence: str, why: str, fix: str) -> Finding:
    return Finding("output-loss-mismatch", head.layer, evidence, why, fix)


def _label(evidence: str, why: str, fix: str, stops: bool = True) -> Finding:
    return Finding("label-mismatch", "data", evidence, why, fix, stops)


def _zero_one(y: Array) -> bool:
    return bool(np.isin(y, (0, 1)).all())


def _one_hot(head: Output) -> bool:
    y = head.y
    whole = y.ndim > 1 and y.shape[-1] == head.units and head.units > 1
    return bool(whole and _zero_one(y) and (y.sum(axis=-1) == 1).all())


def _classes(y: Array) -> int:
    return int(y.max()) + 1


def _labels(head: Output, words: Words) -> Finding | None:
    """Judge shape and range of the labels against the loss."""
    y, kind, units = head.y, head.kind, head.units
    expected = (len(y), *head.output.shape[1:])
    column = units == 1 and y.shape in (expected, expected[:-1]) and not head.strict
    shapes = f"labels have the shape {y.shape}, must be {{}}"
    whole = bool((y == np.round(y)).all())
    if kind in _SPARSE | {_LOGARITHMS}:
        if y.shape == expected and units > 1:
            return _label(
                shapes.format(expected[:-1]),
                "The sparse loss takes a class's number, not one column a class.",
                words.loss("categoricalcrossentropy"),
            )
        if y.shape not in (expected[:-1], (*expected[:-1], 1)):
            return _label(
                shapes.format(expected[:-1]),
                "The loss takes one class number for each prediction.",
                "y = np.argmax(y, axis=-1)",
            )
        kept = y if head.ignored is None else y[y != head.ignored]
        if not whole:
            return _label(
                f"{int(np.sum(y != np.round(y)))} labels are no whole numbers, above 0",
                "A class's number has no fractions.",
                f"{words.loss('meansquarederror')}  # if they are measurements",
            )
        if units > 1 and kept.size and (kept.min() < 0 or kept.max() >= units):
            low, high = int(kept.min()), int(kept.max())
            shifted = low >= 1 and high == units
            return _label(
                f"labels from {low} to {high}, must lie within 0 and {units - 1}",
                "A label without a unit of its own has no probability that could rise.",
                "y = y - 1" if shifted else words.dense(high + 1, head.activation),
            )
        return None
    if kind in _CATEGORICAL:
        if y.shape != expected:
            numbers = y.shape in (expected[:-1], (*expected[:-1], 1)) and whole
            return _label(
                shapes.format(expected),
                "This loss takes one column a class, not the class's number.",
                words.loss("sparsecategoricalcrossentropy") if numbers else words.columns(),
            )
        sums = y.sum(axis=-1)
        if units > 1 and np.abs(sums - 1).max() > 1e-3:
            return _label(
                f"labels of one example sum to {sums.min():.3g} to {sums.max():.3g}, must be 1",
                "Softmax shares out one; several labels at once need a sigmoid each.",
                words.with_loss(words.dense(head.units, "sigmoid"), "binarycrossentropy"),
            )
        return None
    if y.shape != expected and not column:
        numbers = units > 1 and whole and y.shape in (expected[:-1], (*expected[:-1], 1))
        classes = numbers and kind in (_BINARY | _SQUARED) and y.min() >= 0 and y.max() < units
        fix = words.dense(y.shape[-1] if y.ndim > 1 else 1, "linear")
        if units == 1 and y.shape == expected[:-1]:
            fix = "y = y[..., None]"
        if classes:
            fix = words.with_loss(
                words.dense(head.units, "softmax"), "sparsecategoricalcrossentropy"
            )
        return _label(
            shapes.format(expected),
            "Arrays of unlike shapes are stretched to each other, or refused: each output is "
            "compared with a label that is not its own.",
            fix,
        )
    if kind in _BINARY and (y.min() < 0 or y.max() > 1):
        signs = bool(np.isin(y, (-1, 1)).all())
        many = whole and y.min() >= 0 and units == 1
        fix = "y = y / y.max()" if y.min() >= 0 else "y = (y - y.min()) / (y.max() - y.min())"
        if signs:
            fix = "y = (y + 1) / 2"
        if many:
            fix = words.with_loss(
                words.dense(_classes(y), "softmax"), "sparsecategoricalcrossentropy"
            )
        return _label(
            f"labels from {y.min():g} to {y.max():g}, must lie within 0 and 1",
            "Cross-entropy of what is no probability has no lower bound.",
            fix,
        )
    if kind in _HINGE and not np.isin(y, (-1, 1)).all() and not _replaced(head):
        two = np.unique(y)
        turned = "y = 2 * y - 1" if _zero_one(y) else f"y = np.where(y == {two[-1]:g}, 1, -1)"
        return _label(
            f"labels from {y.min():g} to {y.max():g}, must be -1 or 1",
            "Hinge asks for a margin on the label's side of 0, and the label 0 has no side."
            if _zero_one(y)
            else "Hinge asks for a margin on the label's side of 0.",
            turned if len(two) == 2 else words.loss("meansquarederror"),
            stops=False,
        )
    if kind == "poisson" and y.min() < 0:
        return _label(
            f"smallest label {y.min():.3g}, must be at least 0",
            "A Poisson count is never negative.",
            words.loss("meansquarederror"),
        )
    return None


def _replaced(head: Output) -> bool:
    """Whether the loss takes 0 for -1, as Keras's does: full margins then cost nothing."""
    if head.cost is None or head.some is None or not _zero_one(head.y):
        return False
    n = min(len(head.output), len(head.some))
    if math.prod(head.some[:n].shape) != head.output[:n].size:
        return False
    margins = (2.0 * head.some[:n] - 1.0).reshape(head.output[:n].shape)
    try:
        return abs(head.cost(margins.astype("float32"))) < 1e-6
    except Exception:
        return False


def _output(head: Output, words: Words) -> Finding | None:
    """Judge the output's activation and number of units against the loss and the labels."""
    act, kind, units = head.activation, head.kind, head.units
    if act == "softmax" and units == 1:
        return _mismatch(
            head,
            "softmax over 1 unit, must be at least 2",
            "Softmax of one number is 1, whatever the number: no gradient at all.",
            words.with_loss(words.dense(head.units, "sigmoid"), "binarycrossentropy"),
        )
    if kind in _SPARSE | _CATEGORICAL and units == 1:
        return _mismatch(
            head,
            "1 unit for a loss over classes, must be at least 2",
            "With one class there is nothing to tell apart.",
            words.with_loss(words.dense(head.units, "sigmoid"), "binarycrossentropy"),
        )
    if kind in _SPARSE | _CATEGORICAL | _BINARY:
        return _probabilities(head, words)
    if kind == _LOGARITHMS:
        return _logarithms(head, words)
    if kind == _DIVERGENCE:
        return _distribution(head, words)
    low, high = _RANGES.get(act, (-np.inf, np.inf))
    if kind in _SQUARED:
        outside = float(np.mean((head.y < low) | (head.y > high)))
        if act in ("sigmoid", "softmax") and (
            _one_hot(head) or (act == "sigmoid" and _zero_one(head.y))
        ):
            sparse = "categorical" if _one_hot(head) and act == "softmax" else "binary"
            return _mismatch(
                head,
                f"{len(np.unique(head.y))} different labels, all 0 or 1; a measurement has more",
                "Squared error keeps the factor p (1 - p): where the output is surely wrong, the "
                "gradient is nearly 0. Cross-entropy cancels it.",
                words.loss(f"{sparse}crossentropy"),
            )
        if act == "softmax" and head.units > 1 and _zero_one(head.y) and head.y.ndim > 1:
            sums = head.y.sum(axis=-1)
            return _mismatch(
                head,
                f"labels of one example sum to {sums.min():g} to {sums.max():g}, the outputs of "
                "softmax to 1",
                "Softmax shares out one; several labels at once need a sigmoid each.",
                words.with_loss(words.dense(head.units, "sigmoid"), "binarycrossentropy"),
            )
        if outside > 0:
            return _mismatch(
                head,
                f"{outside:.0%} of the targets lie outside {low:g} to {high:g}, the range of "
                f"{act}; must be 0 %",
                "No weights reach them, and the attempt drives the output onto its flat end.",
                words.dense(head.units, "linear"),
            )
    if kind in _HINGE and low >= 0:
        return _mismatch(
            head,
            f"smallest possible output {low:g}, must be below 0",
            "Hinge wants scores on both sides of 0.",
            words.dense(head.units, "linear"),
        )
    if kind == "poisson" and (head.output <= 0).any() and low < 0:
        share = float(np.mean(head.output <= 0))
        return _mismatch(
            head,
            f"{share:.0%} of the outputs are not above 0, must be 0 %",
            "Poisson's loss takes the logarithm of the output.",
            words.dense(head.units, "exponential"),
        )
    return None


def _probabilities(head: Output, words: Words) -> Finding | None:
    act, binary = head.activation, head.kind in _BINARY
    right, wrong = ("sigmoid", "softmax") if binary else ("softmax", "sigmoid")
    if head.logits:
        sums = head.output.sum(axis=-1)
        shares = act == "unknown" and head.units > 1 and bool(np.allclose(sums, 1, atol=1e-3))
        if act in _RANGES or (shares and head.output.min() >= 0):
            low, high = _RANGES.get(act, (0.0, 1.0))
            return _mismatch(
                head,
                f"the loss takes logits, which lie within -inf and inf; the outputs of {act} lie "
                f"within {low:g} and {high:g}",
                "The probabilities are taken for logits and squashed once more: the loss has a "
                "floor that no weights get below.",
                words.dense(head.units, "linear"),
            )
        return None
    squashed = "sigmoid" if act == "hard_sigmoid" else act
    if squashed == wrong and head.units > 1:
        one = not binary or _one_hot(head)
        fix = words.dense(head.units, right)
        if binary and one:
            fix = words.loss("categoricalcrossentropy")
        return _mismatch(
            head,
            f"outputs of one example sum to {_sums(head)}, "
            + ("must be free for labels on their own" if binary else "must be 1 over the classes"),
            "One of several wants softmax with categorical cross-entropy, several at once want a "
            "sigmoid each with binary cross-entropy.",
            fix,
        )
    if squashed == right:
        return None
    outside = float(np.mean((head.output < 0) | (head.output > 1)))
    if act != "unknown" or outside > 0:
        named = act if act != "unknown" else "the output"
        fix = words.loss(head.kind, logits=True)
        return _mismatch(
            head,
            f"{outside:.0%} of the outputs lie outside 0 to 1; {named} gives no probabilities, "
            f"and the loss takes no logits; must be 0 % by {right}",
            "The loss cuts what is no probability back to the edge, where it has no gradient.",
            fix if act in ("linear", "unknown") else words.dense(head.units, right),
        )
    return None


def _distribution(head: Output, words: Words) -> Finding | None:
    """Judge what is taken for a distribution."""
    sums = head.output.astype("float64").sum(axis=-1)
    if head.activation == "softmax" or np.allclose(sums, 1, atol=1e-3):
        return None
    return _mismatch(
        head,
        f"outputs of one example sum to {sums.min():.3g} to {sums.max():.3g}, must be 1",
        "The divergence of what is no distribution has no lower bound at the labels.",
        words.dense(head.units, "softmax"),
    )


def _logarithms(head: Output, words: Words) -> Finding | None:
    """Judge what is taken for logarithms of probabilities."""
    if head.activation == "log_softmax":
        return None
    total = np.exp(np.minimum(head.output.astype("float64"), 50)).sum(axis=-1)
    if np.allclose(total, 1, atol=1e-3):
        return None
    return _mismatch(
        head,
        f"exp of the outputs of one example sums to {total.min():.3g} to {total.max():.3g}, must "
        "be 1: the loss takes logarithms of probabilities",
        "What is no logarithm of a probability can fall without end, and the loss with it.",
        words.loss("sparsecategoricalcrossentropy", logits=True),
    )


def _sums(head: Output) -> str:
    sums = head.output.sum(axis=-1)
    return f"{sums.min():.3g} to {sums.max():.3g}"


def _metric(head: Output, words: Words) -> Finding | None:
    """Judge the metrics against the loss and the labels."""
    for metric in head.metrics:
        name = metric.name
        plain = name in ("accuracy", "acc")
        if head.kind in _SQUARED | {"poisson"} and (plain or name.endswith("accuracy")):
            values = len(np.unique(head.y))
            if values > 2:
                return Finding(
                    "metric-mismatch",
                    head.layer,
                    f"{name} counts equal numbers, and the targets take {values} values, above 2",
                    "A prediction of a measurement is close or not, but never equal: the metric "
                    "stays near 0 however well the model fits.",
                    words.metric("mean_absolute_error"),
                )
        half = metric.threshold is None or metric.threshold == 0.5
        chosen = plain and metric.plain
        counts = name == "binaryaccuracy" or (chosen and head.units == 1)
        if head.kind in _BINARY and head.logits and counts and half:
            return Finding(
                "metric-mismatch",
                head.layer,
                "threshold 0.5 on logits, must be 0",
                "A logit of 0 is the probability one half: between 0 and 0.5 the metric counts "
                "an answer for the other class.",
                words.metric("accuracy", threshold=0.0),
            )
        columns = head.y.ndim > 1 and head.y.shape == (len(head.y), *head.output.shape[1:])
        if chosen and columns and head.units > 1 and head.kind in _BINARY and not _one_hot(head):
            sums = head.y.sum(axis=-1)
            return Finding(
                "metric-mismatch",
                head.layer,
                f"{name} compares the largest of {head.units} columns, and labels of one example "
                f"sum to {sums.min():g} to {sums.max():g}, must be 1",
                "Of several labels at once each is right or wrong on its own: the number shown is "
                "low however well the model fits.",
                words.metric("binary_accuracy"),
            )
        if name == "binaryaccuracy" and head.units > 2 and _one_hot(head):
            return Finding(
                "metric-mismatch",
                head.layer,
                f"{name} counts each of {head.units} columns, of which one is 1: saying 0 "
                f"everywhere is right in {1 - 1 / head.units:.0%}",
                "The number shown is high before anything is learned.",
                words.metric("accuracy"),
            )
        if head.units > 1 and head.kind in _CATEGORICAL | _SPARSE:
            wrong = (name == "categoricalaccuracy" and not columns) or (
                name == "sparsecategoricalaccuracy" and columns
            )
            if wrong or metric.equal:
                return Finding(
                    "metric-mismatch",
                    head.layer,
                    f"{name} for labels of the shape {head.y.shape}, outputs {head.units} wide",
                    "The metric compares columns with class numbers.",
                    words.metric("accuracy"),
                )
    return None


def baseline_loss(head: Output) -> float | None:
    """Return the loss of the best constant answer, or None where that is not worked out."""
    if head.weighted:
        return None
    y = head.y.astype("float64")
    if head.kind == "meansquarederror":
        return float(np.mean((y - y.mean(axis=0)) ** 2)) * head.share
    if head.kind == "meanabsoluteerror":
        return float(np.mean(np.abs(y - np.median(y, axis=0))))
    if head.kind == "binarycrossentropy":
        p = np.clip(y.mean(axis=0), 1e-7, 1 - 1e-7)
        return float(-np.mean(p * np.log(p) + (1 - p) * np.log(1 - p)))
    if head.kind in ("categoricalcrossentropy", "sparsecategoricalcrossentropy"):
        if head.kind.startswith("sparse"):
            p = np.unique(head.y, return_counts=True)[1] / head.y.size
        else:
            p = y.reshape(-1, y.shape[-1]).mean(axis=0)
        p = p[p > 0]
        return float(-np.sum(p * np.log(p)))
    return None


def least_loss(head: Output) -> float:
    """Return the loss of answers that are the labels themselves: above 0 where these are shares."""
    y = head.y.astype("float64")
    if head.kind in _BINARY | _CATEGORICAL and y.size and y.min() >= 0 and y.max() <= 1:
        q = np.clip(y, 1e-300, 1)
        if head.kind == "binarycrossentropy":
            r = np.clip(1 - y, 1e-300, 1)
            return float(-np.mean(y * np.log(q) + (1 - y) * np.log(r)))
        if head.kind == "categoricalcrossentropy" and y.ndim > 1:
            return float(-np.mean(np.sum(y * np.log(q), axis=-1)))
    return 0.0
