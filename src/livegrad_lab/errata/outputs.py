"""What was wrong about output activations and losses."""

from __future__ import annotations

import math
import warnings

import numpy as np

from livegrad_lab.errata._erratum import Erratum, checked

__all__ = ["ERRATA"]


def _attention() -> str:
    rng = np.random.default_rng(0)
    queries, keys = rng.standard_normal((2, 10_000, 64))
    products = (queries * keys).sum(axis=1)
    return checked(
        f"products of 64 standard normal entries spread by {products.std():.1f}, and over the root "
        f"of 64 by {(products / 8).std():.1f}",
        abs(products.std() - 8) < 0.2,
    )


def _keras_loss(
    from_logits: bool, logit: float, dtype: str | None = None
) -> tuple[float, float, int]:
    """Return loss and gradient of a sigmoid unit with label 0, and the number of warnings."""
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "sigmoid", dtype=dtype)])
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    loss_of = keras.losses.BinaryCrossentropy(from_logits=from_logits)
    x = tf.constant([[logit]])  # (1, 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = loss_of(tf.zeros((1, 1)), model(x))
        gradient = float(tape.gradient(loss, x).numpy().item())
    return float(loss.numpy()), gradient, len(caught)


def _clipped_probability() -> str:
    loss, gradient, _ = _keras_loss(from_logits=False, logit=40.0)
    return checked(
        f'Keras on TensorFlow, `Dense(1, "sigmoid")`, logit 40, label 0: loss {loss:.1f}, '
        f"gradient {gradient:.1f}",
        abs(loss - 40) < 0.1 and abs(gradient - 1) < 1e-3,
    )


def _mixed_precision() -> str:
    loss, gradient, _ = _keras_loss(from_logits=False, logit=40.0, dtype="mixed_float16")
    return checked(
        f'Keras on TensorFlow, `Dense(1, "sigmoid", dtype="mixed_float16")`, logit 40, label 0: '
        f"loss {loss:.1f}, gradient {gradient:.1f}",
        loss < 20 and gradient == 0,
    )


def _squashed_twice() -> str:
    once, _, _ = _keras_loss(from_logits=False, logit=3.0)
    twice, _, said = _keras_loss(from_logits=True, logit=3.0)
    return checked(
        f"logit 3, label 0: the loss is {once:.2f} without and {twice:.2f} with "
        f"`from_logits=True`, and Keras on TensorFlow warns",
        math.isclose(once, twice, rel_tol=1e-5) and said,
    )


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "clipped-probability",
        "outputs/binary",
        "Without `from_logits=True` Keras clips p, and the gradient beyond is 0.",
        'On TensorFlow Keras finds the logits behind `Dense(1, "sigmoid")` and uses them.',
        "2026-11-26",
        _clipped_probability,
    ),
    Erratum(
        "mixed-precision",
        "outputs/binary",
        "Only where the probability comes from elsewhere, here from a sigmoid written by hand, "
        "does Keras clip it.",
        "It also does behind the cast of mixed precision, where the logits cannot be found.",
        "2026-11-30",
        _mixed_precision,
    ),
    Erratum(
        "squashes-twice",
        "outputs/binary",
        "A sigmoid in the last layer and `from_logits=True` squashes twice; nothing fails.",
        "On TensorFlow Keras warns and uses the logits. The page on several classes and the cheat "
        "sheet said the same of softmax.",
        "2026-11-26",
        _squashed_twice,
    ),
    Erratum(
        "attention",
        "outputs/multiclass",
        "Attention uses softmax inside, and a scale makes up for the small numbers.",
        "The scale, one over the root of d, acts before the softmax, against *large* products.",
        "2026-11-26",
        _attention,
    ),
)
