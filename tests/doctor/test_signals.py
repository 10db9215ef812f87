"""Which layer the doctor names for a product, and what it advises: on factors written down."""

from __future__ import annotations

import math
import types

import keras
import numpy as np
import pytest

from livegrad.doctor import _signals

L = keras.layers
PAIRED = 'keras.layers.Dense(..., kernel_initializer="{}")'
NORMALISED = "x = keras.layers.LayerNormalization()(x)  # before each block"
RELU = 'keras.layers.Dense(..., activation="relu", kernel_initializer="he_normal")'


def path_of(factors, activation="relu", layer=None, of="gradient"):
    """Stand for a path: its blocks by letters, the last of them the head, with these factors."""
    if layer is None:
        layer = L.Dense(2, activation)
    blocks = [
        types.SimpleNamespace(
            name=name, activation=activation, call=types.SimpleNamespace(layer=layer)
        )
        for name, _ in zip("abcdef", factors, strict=False)
    ]
    key = "own_factors" if of == "gradient" else "signal_gains"
    return types.SimpleNamespace(
        blocks=blocks[:-1], head=blocks[-1], depth=len(blocks) - 1, **{key: factors}
    )


def named(factors, fresh=None, of="gradient", limits=(1e-3, 1e3), roots=(0.1, 10), **more):
    path = path_of(factors, of=of, **more)
    judged = _signals._Judged.__new__(_signals._Judged)
    judged.of, judged.factors, judged.limits, judged.roots = of, factors, limits, roots
    judged.total = _signals._total(factors)
    assert judged.out
    other = None if fresh is None else path_of(fresh, of=of, **more)
    return _signals._out_of_bounds(judged, path, other)


@pytest.mark.parametrize(
    ("factors", "layer"),
    [
        # One factor has more than half of the logarithm.
        ([0.05, 1e-5, 1, 0.5], "b"),
        ([0.05, 1, 1, 1e-5], "d"),
        ([1e-5, 0.09, 0.09, 0.5], "a"),
        # None has: the first below the root.
        ([0.5, 0.05, 0.05, 0.04], "b"),
        ([0.09, 0.05, 0.05, 0.04], "a"),
        # None has, and none is below the root: the smallest.
        ([0.15, 0.15, 0.12, 0.15], "c"),
        # A factor of 0 is the smallest, and what is not finite is left out.
        ([0.05, 0.05, 0.0, 0.5], "c"),
        ([math.nan, 0.05, math.inf, 1e-5], "d"),
        # Others that lift the product do not hide it.
        ([20.0, 1e-8, 20.0, 1.0], "b"),
    ],
)
@pytest.mark.parametrize("of", ["gradient", "signal"])
def test_the_layer_that_loses_most_or_first_is_named(factors, layer, of):
    found = named(factors, of=of)
    assert (found.code, found.layer) == (f"vanishing-{of}", layer)
    total = math.prod(f for f in factors if math.isfinite(f))
    assert found.evidence == (
        f"the {of}'s product {total:.3g} is below 0.001, the bound with chance; this layer's own "
        f"factor is {factors['abcd'.index(layer)]:.3g}, the bound's root for 3 hidden layers 0.1"
    )


@pytest.mark.parametrize(
    ("factors", "layer"),
    [
        ([20, 1e5, 1, 2], "b"),
        ([2, 20, 20, 30], "b"),
        ([8, 8, 9, 8], "c"),
        ([math.nan, 20, math.inf, 1e5], "d"),
        ([0.05, 1e8, 0.05, 1], "b"),
    ],
)
@pytest.mark.parametrize("of", ["gradient", "signal"])
def test_the_layer_that_blows_up_most_or_first_is_named(factors, layer, of):
    found = named(factors, of=of)
    assert (found.code, found.layer) == (f"exploding-{of}", layer)
    total = math.prod(f for f in factors if math.isfinite(f))
    assert found.evidence == (
        f"the {of}'s product {total:.3g} is above 1e+03, the bound with chance; this layer's own "
        f"factor is {factors['abcd'.index(layer)]:.3g}, the bound's root for 3 hidden layers 10"
    )
    assert found.fix == NORMALISED


@pytest.mark.parametrize(
    ("factors", "fresh", "layer"),
    [
        # Beside what its initializer would give, it is another layer that is off.
        ([0.01, 0.01, 0.5, 0.5], [0.011, 1, 1, 1], "b"),
        ([0.05, 0.05, 0.05, 0.5], [0.5, 1, 1, 1], "b"),
        ([1e-5, 0.05, 0.05, 0.0], [1, 1, 1, 1], "d"),
        ([1e-5, 0.05, 0.05, 1], [1e200, 1, 1, 1e-200], "a"),
        ([1e-5, 0.05, 1e-7, 1], [1, 1, math.nan, 1], "a"),
    ],
)
@pytest.mark.parametrize("of", ["gradient", "signal"])
def test_what_fresh_weights_bring_back_is_the_initializers_fault(factors, fresh, layer, of):
    found = named(factors, fresh, of)
    assert (found.code, found.layer) == ("initializer-mismatch", layer)
    total = _signals._total(fresh)
    assert found.evidence.endswith(f"layers 0.1; with he_normal the product is {total:.3g}")
    assert found.why == (
        f"At this depth the first weights lose the {of}; what pairs with relu keeps its size."
    )
    assert found.fix == PAIRED.format("he_normal")


@pytest.mark.parametrize("of", ["gradient", "signal"])
def test_what_fresh_weights_bring_back_from_above_is_too(of):
    found = named([20, 1e5, 1, 2], [1, 1, 1, 1], of)
    assert (found.code, found.layer) == ("initializer-mismatch", "b")
    assert found.why.startswith(f"At this depth the first weights blow up the {of}; ")


@pytest.mark.parametrize(
    "fresh", [[1e-4, 1, 1, 1], [1e4, 1, 1, 1], [1, 1, 1]], ids=["below", "above", "another length"]
)
def test_what_fresh_weights_do_not_bring_back_is_not(fresh):
    found = named([0.05, 1e-5, 1, 0.5], fresh)
    assert (found.code, found.layer) == ("vanishing-gradient", "b")


@pytest.mark.parametrize("edge", [1e-3, 1e3])
def test_a_bound_belongs_to_what_it_allows(edge):
    assert named([0.05, 1e-5, 1, 0.5], [edge, 1, 1, 1]).code == "initializer-mismatch"


def test_weights_that_training_moved_are_not_their_initializers_fault():
    layer = L.Dense(2, "tanh")
    layer.build((None, 2))
    layer.bias.assign(np.ones(2))
    found = named([0.05, 1e-5, 1, 0.5], [1, 1, 1, 1], activation="tanh", layer=layer)
    assert (found.code, found.layer) == ("vanishing-gradient", "b")
    assert found.fix == PAIRED.format("glorot_uniform")
    found = named([20, 1e5, 1, 2], [1, 1, 1, 1], activation="tanh", layer=layer)
    assert found.code == "exploding-gradient"
    assert found.fix == PAIRED.format("glorot_uniform")


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "softmax", "hard_sigmoid"])
def test_flat_activations_that_lose_the_gradient_are_to_be_replaced(activation):
    assert named([0.05, 1e-5, 1, 0.5], activation=activation).fix == RELU
    # The output's activation belongs to the loss.
    head = named([0.5, 1, 1, 1e-5], activation=activation)
    assert head.layer == "d" and head.fix.startswith("keras.layers.Dense(..., kernel_initializer=")


@pytest.mark.parametrize(
    ("activation", "initializer"),
    [
        *[("relu", "he_normal"), ("relu6", "he_normal"), ("sigmoid", "glorot_uniform")],
        *[("hard_sigmoid", "glorot_uniform"), ("tanh", "glorot_uniform")],
        *[("selu", "lecun_normal"), ("unknown", "glorot_uniform"), ("mish", "glorot_uniform")],
    ],
)
def test_what_pairs_with_an_activation_is_that_of_the_table(activation, initializer):
    block = types.SimpleNamespace(activation=activation)
    assert _signals._pairing(block) == initializer
