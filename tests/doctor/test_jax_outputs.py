"""Losses of Optax, told by what they are and by what they give."""

from __future__ import annotations

import functools

import numpy as np
import pytest

pytest.importorskip("flax", reason="needs livegrad[jax]")

import jax
import jax.numpy as jnp
import optax
from flax import nnx

from livegrad.doctor import examine
from livegrad.doctor._facts import Pass
from livegrad.doctor._heads import KNOWN, baseline_loss
from livegrad.doctor._jax.data import draw
from livegrad.doctor._jax.outputs import _LOSSES, loss_of, outputs

rng = np.random.default_rng(0)
WIDE = rng.standard_normal((16, 3)).astype("float32")
NUMBERS = rng.integers(0, 3, 16)
COLUMNS = np.eye(3, dtype="float32")[NUMBERS]
FREE = rng.standard_normal((16, 3)).astype("float32")


@pytest.mark.parametrize(
    ("loss", "y", "kind", "logits"),
    [
        (optax.softmax_cross_entropy_with_integer_labels, NUMBERS, "sparsecategorical", True),
        (optax.softmax_cross_entropy, COLUMNS, "categorical", True),
        (optax.sigmoid_binary_cross_entropy, COLUMNS, "binary", True),
        (optax.l2_loss, FREE, "meansquarederror", False),
        (optax.squared_error, FREE, "meansquarederror", False),
        (optax.huber_loss, FREE, "huber", False),
        (optax.log_cosh, FREE, "logcosh", False),
        # What a reader writes around them, or in place of them.
        (
            lambda p, y: optax.softmax_cross_entropy_with_integer_labels(p, y).mean(),
            NUMBERS,
            "sparsecategorical",
            True,
        ),
        (
            lambda p, y: optax.softmax_cross_entropy(p, jax.nn.one_hot(y, 3)).mean(),
            NUMBERS,
            "sparsecategorical",
            True,
        ),
        (lambda p, y: ((p - y) ** 2).mean(), FREE, "meansquarederror", False),
        (lambda p, y: jnp.abs(p - y).mean(), FREE, "meanabsoluteerror", False),
        (functools.partial(optax.huber_loss, delta=1.0), FREE, "huber", False),
        (
            lambda p, y: -jnp.mean(y * jnp.log(p) + (1 - y) * jnp.log(1 - p)),
            COLUMNS,
            "binary",
            False,
        ),
        (lambda p, y: -(y * jnp.log(p)).sum(-1).mean(), COLUMNS, "categorical", False),
        (
            lambda p, y: -jnp.take_along_axis(p, y[:, None], 1).mean(),
            NUMBERS,
            "negativeloglikelihood",
            False,
        ),
    ],
)
def test_a_loss_is_told(loss, y, kind, logits):
    found = loss_of(loss, WIDE, jnp.asarray(y))
    assert found is not None and found.kind.removesuffix("crossentropy") == kind
    assert found.logits is logits


def test_what_is_not_known_is_not_told():
    def fails(p, y):
        raise OSError

    for loss in (lambda p, y: ((p - y) ** 4).mean(), lambda p, y: -((p - y) ** 2).mean(), fails):
        assert loss_of(loss, WIDE, jnp.asarray(FREE)) is None


def test_all_that_is_told_is_known_to_the_judge():
    assert {loss.kind for loss in _LOSSES} <= KNOWN


def head(loss, output, y, x=None):
    sample = draw(np.zeros((len(y), 1), "float32") if x is None else x, y, 64)
    glance = Pass([], [np.asarray(output)], float("nan"), [])
    return outputs(loss, sample, glance)


def test_half_of_the_squared_error_has_half_of_its_baseline():
    (half,), _ = head(optax.l2_loss, FREE, FREE)
    (whole,), _ = head(optax.squared_error, FREE, FREE)
    assert baseline_loss(half) == pytest.approx(baseline_loss(whole) / 2)
    assert half.strict and half.cost(np.zeros((16, 3))) == pytest.approx(np.mean(FREE**2) / 2)


def test_several_outputs_and_unknown_losses_are_not_judged():
    (one,), notes = head(lambda p, y: ((p - y) ** 4).mean(), FREE, FREE)
    assert one.kind == "" and "is not known here" in notes[0]
    sample = draw(WIDE, FREE, 64)
    glance = Pass([], [WIDE, WIDE], float("nan"), [])
    assert outputs(optax.l2_loss, sample, glance)[0] == []
    assert "share one loss" in outputs(optax.l2_loss, draw(WIDE, (FREE, FREE), 64), glance)[1][0]


class Net(nnx.Module):
    def __init__(self, units=1, last=None):
        self.a, self.out = (
            nnx.Linear(3, 8, rngs=nnx.Rngs(0)),
            nnx.Linear(8, units, rngs=nnx.Rngs(1)),
        )
        self.last = last

    def __call__(self, x):
        x = self.out(nnx.relu(self.a(x)))
        return x if self.last is None else self.last(x)


@pytest.mark.parametrize(
    ("model", "y", "loss", "codes"),
    [
        # A row of labels beside a column of outputs is stretched to a square.
        (Net(), FREE[:, 0], optax.l2_loss, ("label-mismatch",)),
        (Net(), COLUMNS[:, 0], optax.sigmoid_binary_cross_entropy, ("label-mismatch",)),
        (Net(last=lambda x: x[:, 0]), FREE[:, 0], optax.l2_loss, ()),
        (Net(3), NUMBERS + 1, optax.softmax_cross_entropy_with_integer_labels, ("label-mismatch",)),
        (
            Net(3, nnx.softmax),
            NUMBERS,
            optax.softmax_cross_entropy_with_integer_labels,
            ("output-loss-mismatch",),
        ),
        (Net(3), FREE, lambda p, y: -((p - y) ** 2).mean(), ("loss-sign",)),
    ],
)
def test_outputs_and_labels_are_judged(model, y, loss, codes):
    found = examine(model, WIDE, y, loss=loss)
    assert tuple(code for code in found.codes if code != "unrelated-labels") == codes
    text = str(found)
    assert "keras" not in text.lower() and "torch" not in text.lower()
