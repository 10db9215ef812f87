"""Whether a penalty costs more than weights can earn: one layer at first, by hand."""

from __future__ import annotations

import math
import types

import numpy as np
import pytest

from livegrad.doctor import _penalty
from livegrad.doctor._facts import Call, Layer, Optimizer, Output, Weight
from livegrad.doctor._keras.words import WORDS
from livegrad.doctor._path import Block, Path

BINARY, SQUARED = "binarycrossentropy", "meansquarederror"
SPARSE, CATEGORICAL = "sparsecategoricalcrossentropy", "categoricalcrossentropy"


def block(name="output", l2=0.0, l1=0.0, shape=(4, 1), behind=()):
    kernel = Weight("kernel", f"{name}/kernel", shape, lambda: np.ones(shape), penalty=(l1, l2))
    made = Block(
        Call(Layer(name, "dense", "Dense", weights={"kernel": kernel}), [], None, [], True), 0
    )
    made.followers = [Call(Layer(f"{name}_{kind}", kind), [], None, [], False) for kind in behind]
    return made


def head(kind=BINARY, y=(0, 1), units=1):
    y = np.asarray(y)
    return Output("output", "linear", kind, False, None, np.zeros((len(y), units)), y)


def judged(*blocks, heads=None, decay=0.0, ends=True):
    """Judge a path of these blocks, the last of which gives the output."""
    path = Path(list(blocks[:-1]) if ends else list(blocks), blocks[-1] if ends else None, [], [])
    optimizer = Optimizer("Adam", True, 0.01, decay=decay)
    probe = types.SimpleNamespace(optimizer=optimizer, words=WORDS)
    return _penalty.penalty(probe, path, [head()] if heads is None else heads)


# Of what knowing nothing costs: log 2.
@pytest.mark.parametrize(("strength", "found"), [(0.693, False), (0.6932, True), (1e9, True)])
@pytest.mark.parametrize("kind", ["l1", "l2"])
def test_one_layer_of_gain_1_may_cost_as_much_as_it_can_earn(strength, found, kind):
    assert 0.693 < math.log(2) < 0.6932
    assert bool(judged(block(**{kind: strength}))) == found


def test_what_the_cheapest_weights_cost_is_told_beside_what_they_earn():
    (found,) = judged(block(l2=20.0))
    assert (found.code, found.layer) == ("strong-penalty", "output")
    assert found.evidence == (
        "the cheapest weights that pass a signal cost a penalty of 20, above 0.693, the loss of "
        "knowing nothing, which is the most that they could save"
    )
    # A hundredth of 0.035, which is 3.5e-4, is 1e-4 as a power of ten.
    assert found.fix == "keras.layers.Dense(..., kernel_regularizer=keras.regularizers.L2(0.0001))"


def test_the_charges_of_all_layers_add_up_and_the_largest_is_named():
    blocks = [block("a", l2=0.2), block("b", l1=0.3), block("c", l2=0.19)]
    assert judged(*blocks) == []
    blocks[2] = block("c", l2=0.2)
    assert [found.layer for found in judged(*blocks)] == ["b"]
    assert judged(*blocks)[0].evidence.startswith(
        "the cheapest weights that pass a signal cost a penalty of 0.7, above 0.693,"
    )
    assert [found.layer for found in judged(*blocks, ends=False)] == ["b"]


@pytest.mark.parametrize(
    ("kind", "y"), [(SPARSE, [0, 1, 2]), (CATEGORICAL, np.eye(3)), (SPARSE, [[2], [0], [1]])]
)
def test_three_classes_need_two_ways(kind, y):
    """Each way costs the strength, and knowing nothing log 3."""
    given = head(kind, y, units=3)
    assert 2 * 0.549 < math.log(3) < 2 * 0.55
    assert judged(block(l2=0.549), heads=[given]) == []
    (found,) = judged(block(l2=0.55), heads=[given])
    assert "a penalty of 1.1, above 1.1, " in found.evidence


@pytest.mark.parametrize(
    ("kind", "strength", "spread", "layers", "found"),
    [
        # A gain s at s^2 of what is to be earned.
        ("l2", 0.99, 3.0, 1, False),
        ("l2", 1.01, 3.0, 1, True),
        ("l2", 0.99, 1e-4, 1, False),
        ("l2", 1.01, 1e-4, 1, True),
        ("l1", 2.9, 3.0, 1, False),
        ("l1", 3.1, 3.0, 1, True),
        # Two gains of s^(1/2) each: 2 s.
        ("l2", 1.49, 3.0, 2, False),
        ("l2", 1.51, 3.0, 2, True),
        # Three of s^(1/3): 3 s^(2/3), of s^2.
        ("l2", 5.3, 8.0, 3, True),
        ("l2", 5.4, 8.0, 3, True),
    ],
)
def test_measurements_need_a_gain_of_their_spread(kind, strength, spread, layers, found):
    given = head(SQUARED, [spread, -spread])
    blocks = [block(f"at_{at}", **{kind: strength}) for at in range(layers)]
    cost = layers * strength * spread ** ((1 if kind == "l1" else 2) / layers)
    if layers < 3:
        assert (cost > spread**2) == found
        assert bool(judged(*blocks, heads=[given])) == found
    else:
        # 12 times the strength, of 64: from 16 / 3 on.
        assert cost == pytest.approx(12 * strength)
        assert bool(judged(*blocks, heads=[given])) == (strength > 64 / 12)


def test_weights_that_run_into_a_normalisation_shrink_without_harm():
    assert judged(block(l2=9, behind=["normalization"])) == []
    assert judged(block(l2=9, behind=["activation", "normalization"])) == []
    assert len(judged(block(l2=9, behind=["activation"]))) == 1
    # The others are charged for all the same.
    free, charged = block("a", l2=9, behind=["normalization"]), block("b", l2=0.7)
    (found,) = judged(free, charged)
    assert found.layer == "b" and "a penalty of 0.7, " in found.evidence


@pytest.mark.parametrize(
    "heads",
    [
        [],
        [head(), head()],
        [head("hinge", [-1, 1])],
        [head(SQUARED, [3.0, 3.0])],
        [head(SQUARED, [0.0, 0.0])],
        [head(SPARSE, [0, 0], units=1)],
    ],
)
def test_where_nothing_can_be_earned_or_worked_out_nothing_is_said(heads):
    assert judged(block(l2=1e9), heads=heads) == []


def test_a_path_without_weights_is_charged_for_nothing():
    probe = types.SimpleNamespace(optimizer=Optimizer("Adam", True, 0.01, decay=1e9), words=WORDS)
    assert _penalty.penalty(probe, Path([], None, [], []), [head()]) == []


# Decay beside the loss ------------------------------------------------------------------------


def decayed(*shapes, decay):
    """Judge hidden layers of these shapes; the head's weights are not looked at."""
    return judged(*[block(shape=shape) for shape in shapes], block(shape=(9, 1)), decay=decay)


@pytest.mark.parametrize(
    ("decay", "fan", "found"),
    [(10.0, 100, False), (10.1, 100, True), (0.01, 100, False), (0.0, 100, False),
     (31.0, 1000, False), (32.0, 1000, True), (1e6, 1, True)],
)  # fmt: skip
def test_a_decay_leaves_room_for_weights_that_keep_the_signal(decay, fan, found):
    said = decayed((fan, 3), decay=decay)
    assert [(one.code, one.layer) for one in said] == [("strong-penalty", "optimizer")] * found
    if found:
        assert said[0].evidence == (
            f"decay {decay:g} holds each weight below {1 / decay:.3g}; a layer keeps its signal "
            f"with weights of {1 / math.sqrt(fan):.3g}"
        )


def test_the_weights_that_are_needed_are_those_of_the_median_layer():
    shapes = [(4, 9), (10, 10, 1, 9), (10000, 9)]
    assert decayed(*shapes, decay=10.0) == []
    assert "with weights of 0.1" in decayed(*shapes, decay=11.0)[0].evidence
    # Of two, the mean of their fans: 5050.
    assert decayed(*shapes[1:], decay=71.0) == [] and len(decayed(*shapes[1:], decay=71.1)) == 1


@pytest.mark.parametrize("decay", [10.1, 1e3, 1e6])
def test_the_decay_advised_leaves_room(decay):
    (found,) = decayed((100, 3), decay=decay)
    advised = float(found.fix.rpartition(" ")[2])
    assert found.fix.startswith("model.optimizer.weight_decay = ")
    assert decayed((100, 3), decay=advised) == []
    # At least a hundredth below the bound, and no more than a thousandth.
    assert 1e-3 <= advised / 10 <= 1e-2 * 1.01


def test_decay_is_named_before_a_penalty():
    blocks = [block("hidden", shape=(100, 3)), block("output", l2=9)]
    assert [found.layer for found in judged(*blocks, decay=11.0)] == ["optimizer"]
    assert [found.layer for found in judged(*blocks, decay=9.0)] == ["output"]


@pytest.mark.parametrize(
    ("share", "fitting"), [(1.0, 1e-2), (5.0, 1e-2), (0.99, 1e-3), (0.1, 1e-3), (0.0347, 1e-4)]
)
def test_what_fits_is_a_hundredth_as_a_power_of_ten(share, fitting):
    assert _penalty._fitting(share) == pytest.approx(fitting)
