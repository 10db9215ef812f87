"""A module's outputs, each with its loss and labels.

A loss is told by what it gives: a ``lambda`` around a function of Optax is the function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from livegrad._checks import Array
from livegrad.doctor._facts import Output, Pass
from livegrad.doctor._jax.data import Sample

__all__ = ["Loss", "loss_of", "outputs"]

_STRICT = ("meansquarederror", "meanabsoluteerror", "huber", "logcosh", "hinge")


@dataclass(frozen=True)
class Loss:
    """A loss that is known here.

    Attributes:
        kind: its name, as Keras says it.
        logits: whether it takes logits.
        function: of an output and labels.
        share: of the usual loss of that kind.
        takes: "numbers", "shares" within 0 and 1 that sum to 1, or their "logarithms".
    """

    kind: str
    logits: bool
    function: Callable[[Any, Any], Any]
    share: float = 1.0
    takes: str = "numbers"


def _binary(p: Any, y: Any) -> Any:
    return -(y * jnp.log(p) + (1 - y) * jnp.log(1 - p))


def _column(p: Any, y: Any) -> Any:
    return -jnp.take_along_axis(p, y[..., None], axis=-1)[..., 0]


_LOSSES = (
    Loss("sparsecategoricalcrossentropy", True, optax.softmax_cross_entropy_with_integer_labels),
    Loss("categoricalcrossentropy", True, optax.softmax_cross_entropy),
    Loss("categoricalcrossentropy", True, optax.safe_softmax_cross_entropy),
    Loss("binarycrossentropy", True, optax.sigmoid_binary_cross_entropy),
    Loss("binaryfocalcrossentropy", True, optax.sigmoid_focal_loss),
    Loss("meansquarederror", False, optax.squared_error),
    Loss("meansquarederror", False, optax.l2_loss, 0.5),
    Loss("huber", False, optax.huber_loss),
    Loss("logcosh", False, optax.log_cosh),
    Loss("hinge", False, optax.hinge_loss),
    Loss("meanabsoluteerror", False, lambda p, y: jnp.abs(p - y)),
    Loss("binarycrossentropy", False, _binary, takes="shares"),
    Loss("categoricalcrossentropy", False, lambda p, y: -(y * jnp.log(p)).sum(-1), takes="shares"),
    Loss(
        "sparsecategoricalcrossentropy", False, lambda p, y: _column(jnp.log(p), y), takes="shares"
    ),
    Loss("negativeloglikelihood", False, _column, takes="logarithms"),
)


def loss_of(loss: Any, output: Array, y: Any) -> Loss | None:
    """Return the loss that a function is; None where it is none that is known.

    Args:
        loss: the reader's function.
        output: a sample of outputs.
        y: labels for it.
    """
    for known in _LOSSES:
        if known.function is loss:
            return known
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 2, output.shape).astype("float32")
    logarithms = np.asarray(jax.nn.log_softmax(scores) if scores.ndim > 1 else -np.abs(scores))
    given = {"numbers": scores, "logarithms": logarithms, "shares": np.exp(logarithms)}
    if scores.shape[-1:] == (1,) or scores.ndim < 2:
        given["shares"] = rng.uniform(0.05, 0.95, output.shape).astype("float32")
    asked: dict[str, float | None] = {
        takes: _mean(loss, jnp.asarray(shown), y) for takes, shown in given.items()
    }
    for known in _LOSSES:
        cost = asked[known.takes]
        usual = None if cost is None else _mean(known.function, jnp.asarray(given[known.takes]), y)
        if cost is not None and usual is not None and np.isclose(cost, usual, rtol=1e-4, atol=1e-6):
            return known
    return None


def _mean(loss: Any, output: Any, y: Any) -> float | None:
    try:
        cost = float(jnp.mean(loss(output, y)))
    except Exception:
        return None
    return cost if np.isfinite(cost) else None


def outputs(loss: Any, sample: Sample, glance: Pass) -> tuple[list[Output], list[str]]:
    """Return the outputs with their losses, and what could not be told of them."""
    if len(sample.labels) != len(glance.outputs):
        several = f"{len(glance.outputs)} outputs and {len(sample.labels)} arrays of labels"
        return [], [f"output, loss and labels: {several} cannot be paired"]
    if len(glance.outputs) != 1:
        return [], ["output, loss and labels: several outputs share one loss"]
    output, y = glance.outputs[0], sample.labels[0]
    some = jax.tree.leaves(sample.y)[0]
    makers = [c for c in glance.calls if c.output is not None and c.output is output]
    maker = makers[-1] if makers else None
    while maker is not None and maker.layer.kind == "passing" and len(maker.parents) == 1:
        maker = glance.calls[maker.parents[0]]  # a column that was made a row
    name = "output" if maker is None else maker.layer.name
    activation = "none" if maker is None else maker.layer.activation
    known = loss_of(loss, output, some[: len(output)])
    unjudged = []
    if known is None:
        said = getattr(loss, "__name__", type(loss).__name__)
        unjudged.append(f"loss of {name}: {said} is not known here")
    if activation == "none":
        activation = "unknown"
        if known is not None:
            unjudged.append(f"output activation of {name}: it is no known layer's")
    kind = "" if known is None else known.kind
    return [
        Output(
            layer=name,
            activation=activation,
            kind=kind,
            logits=known is not None and known.logits,
            ignored=None,
            output=np.asarray(output, dtype="float32"),
            y=y,
            cost=_cost(loss, some),
            some=np.asarray(some),
            # Optax stretches arrays of unlike shapes to each other, a column and a row included.
            strict=kind in _STRICT or kind.startswith("binary"),
            share=1.0 if known is None else known.share,
        )
    ], unjudged


def _cost(loss: Any, y: Any) -> Callable[[Array], float]:
    def cost(predicted: Array) -> float:
        return float(jnp.mean(loss(jnp.asarray(predicted), y[: len(predicted)])))

    return cost
