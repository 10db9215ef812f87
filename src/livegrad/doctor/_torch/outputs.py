"""A module's outputs, each with its loss and labels."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from livegrad._checks import Array
from livegrad.doctor._facts import Call, Layer, Output, Pass
from livegrad.doctor._torch.data import Sample
from livegrad.doctor._torch.heard import Seen, tensors
from livegrad.doctor._torch.layers import array

__all__ = ["answers", "kind_of", "outputs", "own_loss"]

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
    "multilabel_soft_margin_loss": nn.MultiLabelSoftMarginLoss,
    "cross_entropy": nn.CrossEntropyLoss,
    "nll_loss": nn.NLLLoss,
}
_IGNORED = -100
# They compare numbers one by one, and refuse or stretch labels of another shape.
_ONE_BY_ONE = ("meansquarederror", "meanabsoluteerror", "huber", "binarycrossentropy")


# They change an answer's shape or type, and not what it says.
_SHAPING = (
    *("flatten", "unflatten", "identity", "view", "reshape", "squeeze", "unsqueeze", "permute"),
    *(
        "transpose",
        "t",
        "mt",
        "contiguous",
        "to",
        "float",
        "double",
        "movedim",
        "swapaxes",
        "ravel",
    ),
)


def _plain(loss: Any) -> tuple[Any, dict[str, Any]]:
    """Return a loss without arguments that were given before, and those."""
    if isinstance(loss, functools.partial):
        return loss.func, dict(loss.keywords)
    return loss, vars(loss) if isinstance(loss, nn.Module) else {}


def kind_of(loss: Any, y: Array) -> tuple[str, bool]:
    """Return the loss's name, as Keras says it, and whether it takes logits; "" if unknown."""
    loss, _ = _plain(loss)
    known = type(loss)
    if known not in _LOSSES and getattr(loss, "__module__", "") == "torch.nn.functional":
        known = _FUNCTIONS.get(getattr(loss, "__name__", ""), known)
    kind, logits = _LOSSES.get(known, ("", False))
    if kind == "crossentropy":
        # Class numbers are whole, and shares of the classes are not.
        kind = f"{'categorical' if y.dtype.kind == 'f' else 'sparsecategorical'}crossentropy"
    return kind, logits


def own_loss(predicted: Any) -> Any:
    """Return the loss that a module gives with its answers; None if it gives none."""
    if isinstance(predicted, Mapping):
        return predicted.get("loss")
    return getattr(predicted, "loss", None)


def answers(predicted: Any) -> list[Any]:
    """Return the tensors of what a module gives: its logits, where they are named."""
    if isinstance(predicted, Mapping):
        shown = predicted.get("logits", {k: v for k, v in predicted.items() if k != "loss"})
    elif hasattr(predicted, "logits"):
        shown = predicted.logits
    else:
        shown = predicted
    return [t for t in tensors(shown) if t.is_floating_point() and t.ndim]


def outputs(
    loss: Any, sample: Sample, glance: Pass, seen: list[Seen]
) -> tuple[list[Output], list[str]]:
    """Return the outputs with their losses, and what could not be told of them.

    Args:
        loss: of an output and labels; None if the module gives its own.
        sample: with the labels.
        glance: a pass.
        seen: the pass's outputs.
    """
    if loss is None:
        return [], ["output, loss and labels: the module gives its own loss"]
    if len(sample.labels) != len(glance.outputs):
        several = f"{len(glance.outputs)} outputs and {len(sample.labels)} tensors of labels"
        return [], [f"output, loss and labels: {several} cannot be paired"]
    if len(glance.outputs) > 1:
        return [], ["output, loss and labels: several outputs share one loss"]
    output, y = glance.outputs[0], sample.labels[0]
    makers = [c for c in glance.calls if c.output is not None and c.output is output]
    maker = _maker(glance, makers[-1]) if makers else None
    name = maker.name if maker else "output"
    activation = maker.activation if maker else "none"
    kind, logits = kind_of(loss, y)
    unjudged = []
    if not kind:
        said = getattr(_plain(loss)[0], "__name__", type(loss).__name__)
        unjudged.append(f"loss of {name}: {said} is not known here")
    if activation == "none":
        activation = "unknown"
        if kind:
            unjudged.append(f"output activation of {name}: it is no known layer's")
    (some,) = tensors(sample.y)
    shown, axis = output, -1
    turned: Callable[[Array], Array] = seen[0].forth
    back: Callable[[Array], Array] = seen[0].back
    over_classes = "categorical" in kind or kind == "negativeloglikelihood"
    if over_classes and output.ndim > 2 and seen[0].channels != 1:
        # The loss takes the classes on the second axis, whatever made them.
        if makers and makers[-1].layer.kind == "dense":
            axis = 1
        else:
            shown = np.moveaxis(seen[0].value, 1, -1)
            turned, back = (lambda a: np.moveaxis(a, 1, -1)), (lambda a: np.moveaxis(a, -1, 1))

    def beside(labels: Array) -> Array:
        return turned(labels) if labels.ndim == output.ndim and axis == -1 else labels

    plain, given = _plain(loss)
    ignored = given.get("ignore_index", _IGNORED) if over_classes else None
    weights = given.get("weight", getattr(plain, "weight", None)) if over_classes else None
    return [
        Output(
            layer=name,
            activation=activation,
            kind=kind,
            logits=logits,
            ignored=ignored,
            output=np.asarray(shown, dtype="float32"),
            y=beside(y),
            cost=_cost(loss, some, back, seen[0].tensor.dtype),
            some=beside(array(some)),
            weighted=any(
                given.get(part, getattr(plain, part, None)) is not None
                for part in ("weight", "pos_weight")
            ),
            axis=axis,
            strict=kind in _ONE_BY_ONE,
            classes=None if weights is None else array(weights),
        )
    ], unjudged


def _maker(glance: Pass, call: Call) -> Layer:
    """Return what made the answers, which may have been given another shape behind it."""
    first = call
    while call.layer.type.lower() in _SHAPING and len(call.parents) == 1:
        call = glance.calls[call.parents[0]]
    return first.layer if call.layer.activation == "none" else call.layer


def _cost(
    loss: Any, y: Any, back: Callable[[Array], Array], dtype: Any
) -> Callable[[Array], float]:
    def cost(predicted: Array) -> float:
        given = torch.as_tensor(back(np.asarray(predicted)).copy(), dtype=dtype, device=y.device)
        with torch.no_grad():
            return float(torch.mean(loss(given, y[: len(predicted)].clone())))

    return cost
