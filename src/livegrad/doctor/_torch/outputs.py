"""A module's outputs, each with its loss and labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

from livegrad._checks import Array
from livegrad.doctor._facts import Output, Pass
from livegrad.doctor._torch.data import Sample

__all__ = ["kind_of", "outputs"]

_LOSSES: dict[type, tuple[str, bool]] = {
    nn.MSELoss: ("meansquarederror", False),
    nn.L1Loss: ("meanabsoluteerror", False),
    nn.SmoothL1Loss: ("huber", False),
    nn.HuberLoss: ("huber", False),
    nn.BCELoss: ("binarycrossentropy", False),
    nn.BCEWithLogitsLoss: ("binarycrossentropy", True),
    nn.MultiLabelSoftMarginLoss: ("binarycrossentropy", True),
    nn.CrossEntropyLoss: ("crossentropy", True),
    nn.NLLLoss: ("negativeloglikelihood", False),
}
_FUNCTIONS = {
    "mse_loss": nn.MSELoss,
    "l1_loss": nn.L1Loss,
    "smooth_l1_loss": nn.SmoothL1Loss,
    "huber_loss": nn.HuberLoss,
    "binary_cross_entropy": nn.BCELoss,
    "binary_cross_entropy_with_logits": nn.BCEWithLogitsLoss,
    "cross_entropy": nn.CrossEntropyLoss,
    "nll_loss": nn.NLLLoss,
}


def kind_of(loss: Any, y: Array) -> tuple[str, bool]:
    """Return the loss's name, as Keras says it, and whether it takes logits; "" if unknown."""
    known = type(loss)
    if known not in _LOSSES:
        known = _FUNCTIONS.get(getattr(loss, "__name__", ""), known)
    kind, logits = _LOSSES.get(known, ("", False))
    if kind == "crossentropy":
        # Class numbers are whole, and shares of the classes are not.
        kind = f"{'categorical' if y.dtype.kind == 'f' else 'sparsecategorical'}crossentropy"
    return kind, logits


def outputs(loss: Any, sample: Sample, glance: Pass) -> tuple[list[Output], list[str]]:
    """Return the outputs with their losses, and what could not be told of them."""
    if loss is None:
        return [], ["output, loss and labels: the module gives its own loss"]
    if len(sample.labels) != len(glance.outputs):
        several = f"{len(glance.outputs)} outputs and {len(sample.labels)} tensors of labels"
        return [], [f"output, loss and labels: {several} cannot be paired"]
    if len(glance.outputs) > 1:
        return [], ["output, loss and labels: several outputs share one loss"]
    output, y = glance.outputs[0], sample.labels[0]
    makers = [c for c in glance.calls if c.output is not None and c.output is output]
    name = makers[-1].layer.name if makers else "output"
    activation = makers[-1].layer.activation if makers else "none"
    kind, logits = kind_of(loss, y)
    unjudged = []
    if not kind:
        said = getattr(loss, "__name__", type(loss).__name__)
        unjudged.append(f"loss of {name}: {said} is not known here")
    shown = np.asarray(output, dtype="float32")
    over_classes = "categorical" in kind or kind == "negativeloglikelihood"
    if over_classes and shown.ndim > 2 and not makers:
        shown = np.moveaxis(shown, 1, -1)
    if kind == "categoricalcrossentropy" and y.ndim > 2:
        y = np.moveaxis(y, 1, -1)
    if activation == "none":
        activation = "unknown"
        if kind:
            unjudged.append(f"output activation of {name}: it is no known layer's")
    (some,) = [part for part in [sample.y] if isinstance(part, torch.Tensor)] or [None]
    return [
        Output(
            layer=name,
            activation=activation,
            kind=kind,
            logits=logits,
            ignored=getattr(loss, "ignore_index", None),
            output=shown,
            y=y,
            cost=None if some is None else _cost(loss, some),
            some=None if some is None else some.cpu().numpy(),
            weighted=getattr(loss, "weight", None) is not None
            or getattr(loss, "pos_weight", None) is not None,
            strict=kind in ("meansquarederror", "meanabsoluteerror", "huber"),
        )
    ], unjudged


def _cost(loss: Any, y: Any) -> Callable[[Array], float]:
    def cost(predicted: Array) -> float:
        given = torch.as_tensor(predicted, device=y.device)
        return float(torch.mean(loss(given, y[: len(predicted)])))

    return cost
