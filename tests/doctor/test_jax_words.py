"""What to change, said in code that Python reads and that Flax and Optax know."""

from __future__ import annotations

import ast
import inspect

import numpy as np
import pytest

pytest.importorskip("flax", reason="needs livegrad[jax]")

import optax
from flax import nnx

from livegrad.doctor._facts import Layer, Optimizer, Weight, Words
from livegrad.doctor._jax.words import WORDS

LINEAR = Layer("layers.0", "dense", "Linear", origin=nnx.Linear(2, 2, rngs=nnx.Rngs(0)))
CELL = nnx.SimpleCell(2, 2, rngs=nnx.Rngs(0))
RECURRENT = Layer("rnn", "recurrent", "RNN", origin=nnx.RNN(CELL, rngs=nnx.Rngs(0)))
FUNCTION = Layer("relu_2", "activation", "relu")
WEIGHTS = [Weight(name, name, (2,), lambda: np.ones(2)) for name in ("kernel", "gamma", "beta")]

LINES = [
    WORDS.layer(LINEAR, units=3, activation="relu", initializer="he_normal"),
    WORDS.layer(LINEAR, bias="zeros"),
    WORDS.layer(Layer("words", "embedding", "Embed"), initializer="glorot_uniform"),
    WORDS.dense(3, "softmax", "glorot_uniform"),
    WORDS.dense(3, "linear"),
    WORDS.without(LINEAR),
    WORDS.without(FUNCTION),
    WORDS.mask(0.2),
    *[WORDS.restart(LINEAR, weight) for weight in WEIGHTS],
    WORDS.thaw(LINEAR),
    WORDS.thaw(None),
    WORDS.finite(),
    WORDS.stable(),
    WORDS.scale(True),
    WORDS.scale(False),
    WORDS.normalise(),
    WORDS.rate(0.1, Optimizer("adam", True, 1.0)),
    WORDS.rate(0.1, Optimizer("chain", True, 0.0)),
    *[WORDS.loss(kind) for kind in ("meansquarederror", "sparsecategoricalcrossentropy")],
    *[WORDS.metric(kind) for kind in ("accuracy", "mean_absolute_error")],
    WORDS.metric("accuracy", 0.0),
    WORDS.with_loss(WORDS.dense(3, "softmax"), "sparsecategoricalcrossentropy"),
    WORDS.columns(),
    WORDS.smooth(),
    WORDS.again(),
    WORDS.lighter(LINEAR, 0.1),
    WORDS.decay(0.1),
    WORDS.layer_norm(LINEAR),
    WORDS.momentum(LINEAR, 0.9),
    WORDS.recurrent(RECURRENT),
    WORDS.recurrent(LINEAR),
    WORDS.masked(),
    WORDS.attend(),
    WORDS.soft(FUNCTION),
    WORDS.half(),
    WORDS.batch(32),
    WORDS.targets(),
]


@pytest.mark.parametrize("line", LINES)
def test_a_line_is_code_whose_names_exist(line):
    for node in ast.walk(ast.parse(line)):
        said = ast.unparse(node) if isinstance(node, ast.Attribute) else "("
        if "(" in said:
            continue
        root, *names = said.split(".")
        known = {"nnx": nnx, "optax": optax}.get(root)
        for name in names if known is not None else ():
            assert hasattr(known, name), said
            known = getattr(known, name)


def test_every_method_is_there():
    asked = [name for name, _ in inspect.getmembers(Words, inspect.isfunction) if name[0] != "_"]
    for name in asked:
        own, wanted = (inspect.signature(getattr(one, name)) for one in (type(WORDS), Words))
        assert list(own.parameters) == list(wanted.parameters)


def test_logits_go_into_the_loss_without_an_activation():
    line = WORDS.with_loss(WORDS.dense(3, "softmax"), "sparsecategoricalcrossentropy")
    assert "softmax(" not in line and "softmax_cross_entropy_with_integer_labels" in line
    assert "SimpleCell" in WORDS.recurrent(RECURRENT)
    assert WORDS.without(LINEAR).startswith("model.layers[0] = ")
