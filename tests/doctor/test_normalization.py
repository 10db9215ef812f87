"""Normalisations that take away what is to be said: on calls and averages written down."""

from __future__ import annotations

import math
import types

import numpy as np
import pytest

from livegrad.doctor import _normalization
from livegrad.doctor._facts import Call, Layer, Optimizer, Output, Pass, Plan, Weight
from livegrad.doctor._keras.words import WORDS
from livegrad.doctor._path import Block, Path

WIDE = np.array([[1.0, -1.0], [3.0, 1.0], [5.0, 3.0], [7.0, 9.0]])


def norm(name="norm", over="features", momentum=0.0, **weights):
    values = {key: np.asarray(value, float) for key, value in weights.items()}
    made = {
        key: Weight(key, f"{name}/{key}", value.shape, lambda value=value: value)
        for key, value in values.items()
    }
    kind = "normalization"
    return Layer(name, kind, "BatchNormalization", weights=made, over=over, momentum=momentum)


def call(layer, given=WIDE, made=WIDE):
    given = [] if given is None else [np.asarray(given, float)]
    return Call(layer, given, None if made is None else np.asarray(made, float), [], True)


def judged(*calls, batch=None, path=None, heads=(), outputs=()):
    probe = types.SimpleNamespace(plan=Plan(batch), words=WORDS)
    path = Path([], None, [], []) if path is None else path
    result = Pass(list(calls), list(outputs), 1.0, [])
    return _normalization.normalization(probe, result, path, list(heads))


# Of what is alone -----------------------------------------------------------------------------


def test_a_normalisation_that_leaves_nothing_is_named():
    one = WIDE[:, :1]
    (found,) = judged(call(norm(), one, np.full((4, 1), 0.5)))
    assert (found.code, found.layer) == ("normalization", "norm")
    assert found.evidence == (
        f"spread over the examples {np.std(one):.3g} before it, 0 behind it, must be above 0; it "
        "averages over 1 number"
    )
    assert found.fix.endswith("# without norm")
    (found,) = judged(call(norm(), WIDE, WIDE * 0))
    assert found.evidence.endswith("it averages over 2 numbers")


@pytest.mark.parametrize(("left", "found"), [(0.9e-6, True), (1.1e-6, False), (1.0, False)])
@pytest.mark.parametrize("size", [1e-8, 1.0, 1e8])
def test_nothing_is_a_millionth_of_what_came_in(left, found, size):
    assert bool(judged(call(norm(), WIDE * size, WIDE * size * left))) == found


@pytest.mark.parametrize(
    ("gamma", "found"), [([0.0, 0.0], False), ([0.0, 1e-9], True), ([1.0, 1.0], True)]
)
def test_a_scale_that_starts_at_0_is_meant_to(gamma, found):
    assert bool(judged(call(norm(gamma=gamma), WIDE, WIDE * 0))) == found


@pytest.mark.parametrize(
    "one",
    [
        call(norm(), WIDE * 0, WIDE * 0),
        call(norm(), WIDE[:1], WIDE[:1] * 0),
        call(norm(), None, WIDE * 0),
        call(norm(), WIDE, None),
        call(Layer("relu", "activation"), WIDE, WIDE * 0),
    ],
)
def test_what_has_nothing_to_lose_loses_nothing(one):
    assert judged(one) == []


# Of few examples ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("batch", "shape", "numbers"),
    [
        (1, (4, 2), 1),
        (2, (4, 2), 2),
        (3, (4, 2), None),
        (64, (4, 2), None),
        (None, (4, 2), None),
        (1, (4, 1, 2, 3), 2),
        (1, (4, 3, 3), None),
        (2, (4, 1, 3), 2),
        (None, (4, 1, 1, 3), None),
    ],
)
def test_a_batch_needs_three_numbers_a_unit(batch, shape, numbers):
    x = np.random.default_rng(0).standard_normal(shape)
    found = judged(call(norm(over="batch"), x, x), batch=batch)
    plural = "s" if numbers == 2 else ""
    said = f"{numbers} number{plural} a unit in a batch, must be at least 3"
    assert [one.evidence for one in found] == ([said] if numbers else [])
    assert all(one.code == "normalization" and "in place of norm" in one.fix for one in found)
    assert judged(call(norm(over="features"), x, x), batch=batch) == []


def test_the_first_normalisation_that_takes_away_is_named():
    calls = [call(norm("a")), call(norm("b"), made=WIDE * 0), call(norm("c"), made=WIDE * 0)]
    assert [found.layer for found in judged(*calls)] == ["b"]
    calls = [
        call(Layer("relu", "activation")),
        call(norm("a"), None),
        call(norm("b"), made=WIDE * 0),
    ]
    assert [found.layer for found in judged(*calls)] == ["b"]
    calls = [call(norm("a", over="batch")), call(norm("b", over="batch"))]
    assert [found.layer for found in judged(*calls, batch=1)] == ["a"]


# Of the answers -------------------------------------------------------------------------------


def ended(kind="meansquarederror", heads=1, last="normalization", own=True, followers=True):
    """Judge a head whose weights run into a last call, which gives the output or does not."""
    made = np.array([[-1.0], [1.0]])
    end = Call(Layer("end", last, over="features"), [made * 2], made, [0], False)
    head = Block(Call(Layer("output", "dense"), [WIDE[:2]], made * 2, [], True), 0)
    head.followers = [end] if followers else []
    y = np.array([100.0, 300.0])
    output = Output("end", "none", kind, False, None, made, y)
    outputs = [made if own else made + 0]
    return judged(head.call, end, path=Path([], head, [], []), heads=[output] * heads,
                  outputs=outputs)  # fmt: skip


def test_a_normalisation_of_a_regressions_answers_is_named():
    (found,) = ended()
    assert (found.code, found.layer) == ("normalization", "end")
    assert found.evidence == (
        "answers of mean 0 and spread 1 come out of it; the targets' are 200 and 100"
    )
    assert found.fix.endswith("# without end")


@pytest.mark.parametrize(
    ("given", "found"),
    [
        *[({"kind": kind}, True) for kind in ("meanabsoluteerror", "huber", "logcosh")],
        ({"kind": "binarycrossentropy"}, False),
        ({"kind": "sparsecategoricalcrossentropy"}, False),
        ({"heads": 0}, False),
        ({"heads": 2}, False),
        ({"last": "activation"}, False),
        ({"own": False}, False),
        ({"followers": False}, False),
    ],
)
def test_only_what_a_regression_answers_is_not_to_be_normalised(given, found):
    assert bool(ended(**given)) == found


def test_a_model_without_a_head_answers_nothing():
    output = Output("end", "none", "meansquarederror", False, None, WIDE[:, :1], WIDE[:, 0])
    assert judged(call(norm()), heads=[output]) == []


# What is kept for inference -------------------------------------------------------------------


def running(then=1.0, loss=1.0, baseline=None, taken=100, layers=None, calls=(), plan=None):
    layers = [norm(over="batch", momentum=0.99, moving_mean=[0, 0])] if layers is None else layers
    probe = types.SimpleNamespace(
        layers=layers,
        words=WORDS,
        plan=plan or Plan(),
        optimizer=Optimizer("SGD", False, 0.1, taken=taken),
        loss=lambda training: math.nan if training else then,
    )
    return _normalization.running(probe, Pass(list(calls), [], loss, []), baseline)


@pytest.mark.parametrize(
    ("then", "loss", "baseline", "found"),
    [
        (3.0, 1.0, None, False),
        (3.01, 1.0, None, True),
        (3.01, 1.0, 0.9, True),
        (3.01, 1.0, 1.1, False),
        (3.31, 1.0, 1.1, True),
        (1e9, 0.0, None, False),
        (1e9, 0.0, 0.1, True),
        (math.nan, 1.0, None, True),
        (math.inf, 1.0, None, True),
    ],
)
def test_inference_may_cost_three_times_as_much_as_training(then, loss, baseline, found):
    assert bool(running(then, loss, baseline)) == found


def test_both_losses_are_told_with_the_steps():
    (found,) = running(7.5, 0.25)
    assert (found.code, found.layer) == ("normalization", "norm")
    assert found.evidence == (
        "the loss is 7.5 in inference and 0.25 in training, on the same examples, above 3 times; "
        "after 100 steps"
    )
    assert found.why.endswith("each step takes a share of 0.01 of the batch into them.")
    assert found.fix == "keras.layers.BatchNormalization(momentum=0.9)"


def test_the_layer_whose_averages_are_furthest_behind_is_named():
    # Of mean (4, 3) and spread (2.2, 3.7).
    means = {"a": [4.0, 3.0], "b": [0.0, 3.0], "c": [4.0, 0.0]}
    layers = [norm(name, "batch", 0.9, moving_mean=mean) for name, mean in means.items()]
    calls = [call(layer) for layer in layers]
    assert [found.layer for found in running(9.0, layers=layers, calls=calls)] == ["b"]
    assert [found.layer for found in running(9.0, layers=layers, calls=calls[::2])] == ["c"]
    spread = np.std(WIDE[:, 0])
    result = Pass(calls, [], 1.0, [])
    assert _normalization._behind(layers[1], result) == pytest.approx(4 / spread)
    assert _normalization._behind(layers[1], Pass([], [], 1.0, [])) == 0
    images = [call(layers[0], WIDE.reshape(2, 1, 2, 2)), call(layers[0], WIDE * 9)]
    assert _normalization._behind(layers[0], Pass(images, [], 1.0, [])) == pytest.approx(0)
    other = norm("torch", "batch", running_mean=[5.0, 3.0])
    found = _normalization._behind(other, Pass([call(other)], [], 1.0, []))
    assert found == pytest.approx(1 / spread)


@pytest.mark.parametrize(
    "layers",
    [
        [],
        [norm(over="features", moving_mean=[0])],
        [norm(over="batch", gamma=[1])],
        [Layer("dense", "dense")],
    ],
)
def test_without_averages_inference_is_training(layers):
    assert running(1e9, layers=layers) == []
    assert running(taken=0, layers=layers, plan=Plan(1, 1, 1)) == []


@pytest.mark.parametrize(
    ("momentum", "steps", "left"),
    [(0.99, 68, "50%"), (0.99, 69, None), (0.999, 1, "100%"), (0.5, 1, None), (0.51, 1, "51%")],
)
def test_half_of_the_averages_is_the_batches_after_the_steps_planned(momentum, steps, left):
    layers = [norm("slow", "batch", momentum, moving_mean=[0]),
              norm("fast", "batch", momentum / 2, moving_mean=[0])]  # fmt: skip
    for order in (layers, layers[::-1]):
        found = running(1e9, taken=0, layers=order, plan=Plan(1, 1, steps))
        assert [one.layer for one in found] == ["slow"] * bool(left)
    if left:
        assert found[0].evidence == (
            f"after the {steps} steps planned {left} of the running averages are still what they "
            f"began with, above 50%; momentum {momentum:g}"
        )
    assert running(1e9, taken=0, layers=layers) == []
