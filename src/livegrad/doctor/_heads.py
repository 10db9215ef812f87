"""The output layer, the loss, the labels and the metrics: whether they speak of the same thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from livegrad._checks import Array
from livegrad.doctor._data import Sample
from livegrad.doctor._path import activation_of
from livegrad.doctor._probe import Pass
from livegrad.doctor._report import Finding

__all__ = ["Head", "baseline_loss", "heads", "judge"]

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
_KNOWN = _SQUARED | _BINARY | _CATEGORICAL | _SPARSE | _HINGE | {"poisson"}
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


@dataclass
class Head:
    """One output with its loss and labels.

    Attributes:
        layer: the name of the layer that gives the output.
        activation: its activation's name; "unknown" where it is not a known layer's.
        kind: the loss's name, lower case without underscores.
        logits: whether the loss takes logits.
        ignored: a label that the loss ignores.
        output: a sample of the output.
        y: all labels.
        metrics: the metrics of this output, as given to ``compile``.
    """

    layer: str
    activation: str
    kind: str
    logits: bool
    ignored: int | None
    output: Array
    y: Array
    metrics: list[Any]

    @property
    def units(self) -> int:
        """Entries of the last axis."""
        return int(self.output.shape[-1]) if self.output.ndim > 1 else 1


def heads(model: Any, sample: Sample, result: Pass) -> tuple[list[Head], list[str]]:
    """Return the outputs with their losses, and what could not be told of them."""
    losses = _spread(model.loss, model, len(result.outputs))
    given = getattr(model._compile_metrics, "_user_metrics", None)
    metrics = _metrics(given, model, len(result.outputs))
    found: list[Head] = []
    unjudged: list[str] = []
    if len(sample.labels) != len(result.outputs):
        outputs = f"{len(result.outputs)} outputs and {len(sample.labels)} arrays of labels"
        return [], [f"output, loss and labels: {outputs} cannot be paired"]
    for at, output in enumerate(result.outputs):
        makers = [c for c in result.calls if c.output is not None and c.output is output]
        layer = makers[-1].layer if makers else None
        name = str(layer.name) if layer is not None else "output"
        loss = losses[at]
        if loss is None:
            continue
        kind = _kind(loss)
        if kind not in _KNOWN:
            unjudged.append(f"loss of {name}: {kind} is not known here")
            continue
        activation = activation_of(layer)
        found.append(
            Head(
                layer=name,
                activation="unknown" if activation == "none" else activation,
                kind=kind,
                logits=bool(getattr(loss, "from_logits", False)),
                ignored=getattr(loss, "ignore_class", None),
                output=np.asarray(keras.ops.cast(output, "float32")),
                y=sample.labels[at],
                metrics=metrics[at],
            )
        )
        if found[-1].activation == "unknown":
            unjudged.append(f"output activation of {name}: it is no known layer's")
    return found, unjudged


def _spread(given: Any, model: Any, outputs: int) -> list[Any]:
    """Return one entry an output of what ``compile`` takes as one, a list or a dict."""
    if isinstance(given, dict):
        names = list(getattr(model, "output_names", None) or given)
        return [given.get(name) for name in names] + [None] * (outputs - len(names))
    if isinstance(given, list | tuple):
        return list(given) + [None] * (outputs - len(given))
    return [given] * outputs


def _metrics(given: Any, model: Any, outputs: int) -> list[list[Any]]:
    """Return each output's metrics, as ``compile`` shares them out: all to an only output."""
    if outputs == 1:
        return [[metric for metric in keras.tree.flatten(given) if metric is not None]]
    return [
        [] if g is None else list(g) if isinstance(g, list | tuple) else [g]
        for g in _spread(given, model, outputs)
    ]


def _kind(loss: Any) -> str:
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return str(loss)
    name = getattr(loss, "__name__", None) or type(loss).__name__
    return str(name).replace("_", "").lower()


def judge(head: Head) -> list[Finding]:
    """Return the findings on one output: at most one on each of labels, output and metrics."""
    return [finding for finding in (_labels(head), _output(head), _metric(head)) if finding]


def _mismatch(head: Head, evidence: str, why: str, fix: str) -> Finding:
    return Finding("output-loss-mismatch", head.layer, evidence, why, fix)


def _label(evidence: str, why: str, fix: str) -> Finding:
    return Finding("label-mismatch", "data", evidence, why, fix)


def _dense(head: Head, activation: str, units: int | None = None) -> str:
    shown = "" if activation in ("linear", "unknown") else f', activation="{activation}"'
    return f"keras.layers.Dense({units or head.units}{shown})"


def _zero_one(y: Array) -> bool:
    return bool(np.isin(y, (0, 1)).all())


def _one_hot(head: Head) -> bool:
    y = head.y
    whole = y.ndim > 1 and y.shape[-1] == head.units and head.units > 1
    return bool(whole and _zero_one(y) and (y.sum(axis=-1) == 1).all())


def _classes(y: Array) -> int:
    return int(y.max()) + 1


def _labels(head: Head) -> Finding | None:
    """Judge shape and range of the labels against the loss."""
    y, kind, units = head.y, head.kind, head.units
    expected = (len(y), *head.output.shape[1:])
    column = units == 1 and y.shape in (expected, expected[:-1])
    shapes = f"labels have the shape {y.shape}, must be {{}}"
    whole = bool((y == np.round(y)).all())
    if kind in _SPARSE:
        if y.shape == expected and units > 1:
            return _label(
                shapes.format(expected[:-1]),
                "The sparse loss takes a class's number, not one column a class.",
                'model.compile(..., loss="categorical_crossentropy")',
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
                'model.compile(..., loss="mean_squared_error")  # if they are measurements',
            )
        if units > 1 and kept.size and (kept.min() < 0 or kept.max() >= units):
            low, high = int(kept.min()), int(kept.max())
            shifted = low >= 1 and high == units
            return _label(
                f"labels from {low} to {high}, must lie within 0 and {units - 1}",
                "A label without a unit of its own has no probability that could rise.",
                "y = y - 1" if shifted else _dense(head, head.activation, high + 1),
            )
        return None
    if kind in _CATEGORICAL:
        if y.shape != expected:
            numbers = y.shape in (expected[:-1], (*expected[:-1], 1)) and whole
            return _label(
                shapes.format(expected),
                "This loss takes one column a class, not the class's number.",
                'model.compile(..., loss="sparse_categorical_crossentropy")'
                if numbers
                else "y = keras.utils.to_categorical(y)",
            )
        sums = y.sum(axis=-1)
        if units > 1 and np.abs(sums - 1).max() > 1e-3:
            return _label(
                f"labels of one example sum to {sums.min():.3g} to {sums.max():.3g}, must be 1",
                "Softmax shares out one; several labels at once need a sigmoid each.",
                f'{_dense(head, "sigmoid")}; loss="binary_crossentropy"',
            )
        return None
    if y.shape != expected and not column:
        numbers = units > 1 and whole and y.shape in (expected[:-1], (*expected[:-1], 1))
        classes = numbers and kind in (_BINARY | _SQUARED) and y.min() >= 0 and y.max() < units
        fix = f"keras.layers.Dense({y.shape[-1] if y.ndim > 1 else 1})"
        if classes:
            fix = f'{_dense(head, "softmax")}; loss="sparse_categorical_crossentropy"'
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
            fix = f'{_dense(head, "softmax", _classes(y))}; loss="sparse_categorical_crossentropy"'
        return _label(
            f"labels from {y.min():g} to {y.max():g}, must lie within 0 and 1",
            "Cross-entropy of what is no probability has no lower bound.",
            fix,
        )
    if kind in _HINGE and not np.isin(y, (-1, 1)).all():
        zero_one = _zero_one(y)
        return _label(
            f"labels from {y.min():g} to {y.max():g}, must be -1 or 1",
            "Hinge asks for a margin on the label's side of 0, and the label 0 has no side; Keras "
            "replaces it, in a batch whose labels are all 0 or 1."
            if zero_one
            else "Hinge asks for a margin on the label's side of 0.",
            "y = 2 * y - 1" if zero_one else 'model.compile(..., loss="mean_squared_error")',
        )
    if kind == "poisson" and y.min() < 0:
        return _label(
            f"smallest label {y.min():.3g}, must be at least 0",
            "A Poisson count is never negative.",
            'model.compile(..., loss="mean_squared_error")',
        )
    return None


def _output(head: Head) -> Finding | None:
    """Judge the output's activation and number of units against the loss and the labels."""
    act, kind, units = head.activation, head.kind, head.units
    if act == "softmax" and units == 1:
        return _mismatch(
            head,
            "softmax over 1 unit, must be at least 2",
            "Softmax of one number is 1, whatever the number: no gradient at all.",
            f'{_dense(head, "sigmoid")}; loss="binary_crossentropy"',
        )
    if kind in _SPARSE | _CATEGORICAL and units == 1:
        return _mismatch(
            head,
            "1 unit for a loss over classes, must be at least 2",
            "With one class there is nothing to tell apart.",
            f'{_dense(head, "sigmoid")}; loss="binary_crossentropy"',
        )
    if kind in _SPARSE | _CATEGORICAL | _BINARY:
        return _probabilities(head)
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
                f'model.compile(..., loss="{sparse}_crossentropy")',
            )
        if outside > 0:
            return _mismatch(
                head,
                f"{outside:.0%} of the targets lie outside {low:g} to {high:g}, the range of "
                f"{act}; must be 0 %",
                "No weights reach them, and the attempt drives the output onto its flat end.",
                _dense(head, "linear"),
            )
    if kind in _HINGE and low >= 0:
        return _mismatch(
            head,
            f"smallest possible output {low:g}, must be below 0",
            "Hinge wants scores on both sides of 0.",
            _dense(head, "linear"),
        )
    if kind == "poisson" and (head.output <= 0).any() and low < 0:
        share = float(np.mean(head.output <= 0))
        return _mismatch(
            head,
            f"{share:.0%} of the outputs are not above 0, must be 0 %",
            "Poisson's loss takes the logarithm of the output.",
            _dense(head, "exponential"),
        )
    return None


def _probabilities(head: Head) -> Finding | None:
    act, binary = head.activation, head.kind in _BINARY
    name = {
        "binarycrossentropy": "BinaryCrossentropy",
        "categoricalcrossentropy": "CategoricalCrossentropy",
        "sparsecategoricalcrossentropy": "SparseCategoricalCrossentropy",
        "binaryfocalcrossentropy": "BinaryFocalCrossentropy",
        "categoricalfocalcrossentropy": "CategoricalFocalCrossentropy",
    }[head.kind]
    right, wrong = ("sigmoid", "softmax") if binary else ("softmax", "sigmoid")
    if head.logits:
        if act in _RANGES:
            low, high = _RANGES[act]
            return _mismatch(
                head,
                f"from_logits=True, and the outputs of {act} lie within {low:g} and {high:g}; "
                "logits lie within -inf and inf",
                "The probabilities are taken for logits and squashed once more: the loss has a "
                "floor that no weights get below.",
                _dense(head, "linear"),
            )
        return None
    squashed = "sigmoid" if act == "hard_sigmoid" else act
    if squashed == wrong and head.units > 1:
        loss = "categorical_crossentropy" if binary else "binary_crossentropy"
        fix = f'model.compile(..., loss="{loss}")' if binary else _dense(head, right)
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
        fix = f"model.compile(..., loss=keras.losses.{name}(from_logits=True))"
        return _mismatch(
            head,
            f"{outside:.0%} of the outputs lie outside 0 to 1; {named} gives no probabilities, "
            f"and from_logits is False; must be 0 % by {right}",
            "The loss cuts what is no probability back to the edge, where it has no gradient.",
            fix if act in ("linear", "unknown") else _dense(head, right),
        )
    return None


def _sums(head: Head) -> str:
    sums = head.output.sum(axis=-1)
    return f"{sums.min():.3g} to {sums.max():.3g}"


def _metric(head: Head) -> Finding | None:
    """Judge the metrics against the loss and the labels."""
    for metric in head.metrics:
        name = metric if isinstance(metric, str) else getattr(metric, "__name__", None)
        name = str(name or type(metric).__name__).replace("_", "").lower()
        plain = name in ("accuracy", "acc")
        threshold = getattr(metric, "threshold", None)
        if head.kind in _SQUARED | {"poisson"} and (plain or name.endswith("accuracy")):
            values = len(np.unique(head.y))
            if values > 2:
                return Finding(
                    "metric-mismatch",
                    head.layer,
                    f"{name} counts equal numbers, and the targets take {values} values, above 2",
                    "A prediction of a measurement is close or not, but never equal: the metric "
                    "stays near 0 however well the model fits.",
                    'model.compile(..., metrics=["mean_absolute_error"])',
                )
        half = threshold is None or threshold == 0.5
        string = isinstance(metric, str)
        counts = name == "binaryaccuracy" or (plain and string)
        if head.kind in _BINARY and head.logits and counts and half:
            return Finding(
                "metric-mismatch",
                head.layer,
                "threshold 0.5 on logits, must be 0",
                "A logit of 0 is the probability one half: between 0 and 0.5 the metric counts "
                "an answer for the other class.",
                "model.compile(..., metrics=[keras.metrics.BinaryAccuracy(threshold=0.0)])",
            )
        columns = head.y.ndim > 1 and head.y.shape == (len(head.y), *head.output.shape[1:])
        if head.units > 1 and head.kind in _CATEGORICAL | _SPARSE:
            wrong = (name == "categoricalaccuracy" and not columns) or (
                name == "sparsecategoricalaccuracy" and columns
            )
            if not string and type(metric) is keras.metrics.Accuracy:
                wrong = True
            if wrong:
                return Finding(
                    "metric-mismatch",
                    head.layer,
                    f"{name} for labels of the shape {head.y.shape}, outputs {head.units} wide",
                    "The metric compares columns with class numbers.",
                    'model.compile(..., metrics=["accuracy"])',
                )
    return None


def baseline_loss(head: Head) -> float | None:
    """Return the loss of the best constant answer, or None where that is not worked out."""
    y = head.y.astype("float64")
    if head.kind == "meansquarederror":
        return float(np.mean((y - y.mean(axis=0)) ** 2))
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
