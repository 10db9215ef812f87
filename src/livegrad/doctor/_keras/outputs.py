"""A Keras model's outputs, each with its loss, labels and metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from livegrad._checks import Array
from livegrad.doctor._facts import Metric, Output, Pass
from livegrad.doctor._heads import KNOWN
from livegrad.doctor._keras.data import Sample

__all__ = ["outputs"]


def outputs(model: Any, sample: Sample, glance: Pass) -> tuple[list[Output], list[str]]:
    """Return the outputs with their losses, and what could not be told of them."""
    losses = _spread(model.loss, model, len(glance.outputs))
    given = getattr(model._compile_metrics, "_user_metrics", None)
    metrics = _metrics(given, model, len(glance.outputs))
    found: list[Output] = []
    unjudged: list[str] = []
    if len(sample.labels) != len(glance.outputs):
        several = f"{len(glance.outputs)} outputs and {len(sample.labels)} arrays of labels"
        return [], [f"output, loss and labels: {several} cannot be paired"]
    some = keras.tree.flatten(sample.y)
    for at, output in enumerate(glance.outputs):
        makers = [c for c in glance.calls if c.output is not None and c.output is output]
        layer = makers[-1].layer if makers else None
        name = layer.name if layer is not None else "output"
        loss = losses[at]
        if loss is None:
            continue
        kind = _kind(loss)
        known = kind in KNOWN
        if not known:
            unjudged.append(f"loss of {name}: {kind} is not known here")
        activation = layer.activation if layer is not None else "none"
        shown = np.asarray(keras.ops.convert_to_numpy(some[at]))
        found.append(
            Output(
                layer=name,
                activation="unknown" if activation == "none" else activation,
                kind=kind if known else "",
                logits=bool(getattr(loss, "from_logits", False)),
                ignored=getattr(loss, "ignore_class", None),
                output=np.asarray(output, dtype="float32"),
                y=sample.labels[at],
                metrics=[_metric(metric) for metric in metrics[at]],
                weighted=sample.weight is not None,
                cost=_cost(loss, shown),
                some=shown,
                axis=_axis(loss),
            )
        )
        if known and found[-1].activation == "unknown":
            unjudged.append(f"output activation of {name}: it is no known layer's")
    return found, unjudged


def _axis(loss: Any) -> int:
    axis = getattr(loss, "axis", -1)
    return axis if isinstance(axis, int) else -1


def _cost(loss: Any, y: Array) -> Callable[[Array], float]:
    def cost(predicted: Array) -> float:
        asked = keras.losses.get(loss) if isinstance(loss, str) else loss
        labels = keras.ops.convert_to_tensor(y[: len(predicted)])
        # As Keras does before it calls a function; a reader's class is given both as they are.
        function = not isinstance(asked, keras.losses.Loss)
        if function and labels.ndim + 1 == predicted.ndim and predicted.shape[-1] == 1:
            labels = labels[..., None]
        return float(keras.ops.mean(asked(labels, keras.ops.convert_to_tensor(predicted))))

    return cost


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


def _metric(metric: Any) -> Metric:
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", None)
    threshold = getattr(metric, "threshold", None)
    return Metric(
        name=str(name or type(metric).__name__).replace("_", "").lower(),
        plain=isinstance(metric, str),
        threshold=float(threshold) if isinstance(threshold, int | float) else None,
        equal=type(metric) is keras.metrics.Accuracy,
    )


def _kind(loss: Any) -> str:
    if isinstance(loss, str):
        try:
            loss = keras.losses.get(loss)
        except ValueError:
            return str(loss)
    name = getattr(loss, "__name__", None) or type(loss).__name__
    return str(name).replace("_", "").lower()
