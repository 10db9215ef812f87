"""Which layer the doctor names for a product, and what it advises: on factors written down."""

from __future__ import annotations

import math
import types

import keras
import numpy as np
import pytest

from livegrad.doctor import _path, _signals
from livegrad.doctor._keras.data import draw
from livegrad.doctor._keras.layers import facts
from livegrad.doctor._keras.probe import KerasProbe, undisturbed
from livegrad.doctor._keras.words import WORDS

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
            name=name, activation=activation, call=types.SimpleNamespace(layer=facts(layer))
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
    return _signals._out_of_bounds(judged, path, other, WORDS)


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


# The scale of the inputs ----------------------------------------------------------------------


def scale(x, *before, first=None):
    """Judge the scale of what enters the first weights."""
    x = np.asarray(x, "float32")
    layers = [*before, first or L.Dense(4, "relu", name="first"), L.Flatten(), L.Dense(1)]
    model = keras.Sequential([keras.Input(x.shape[1:]), *layers])
    model.compile("sgd", "mean_squared_error")
    probe = KerasProbe(model, draw(x, np.zeros(len(x)), 256))
    with undisturbed(model):
        result = probe.run()
    return _signals.scale_of_input(_path.through(result.calls, result.outputs), WORDS)


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ([0.049, 0.049], "root mean square 0.049 of the inputs, below e^-3 = 0.050"),
        ([0.05, 0.05], None),
        ([1e-9, 0.08], None),
        ([1e-9, 0.07], "root mean square 0.0495 of the inputs, below e^-3 = 0.050"),
        ([1, 20.0], None),
        ([1, 20.2], "root mean square 20.2 of a feature, above e^3 = 20.1"),
        ([1e-9, 500], "root mean square 500 of a feature, above e^3 = 20.1"),
        ([0, 0], None),
    ],
)
def test_the_largest_feature_and_all_of_them_together_are_judged(sizes, said):
    signs = np.where(np.arange(64) % 2, 1, -1)[:, None]
    found = scale(signs * np.array(sizes))
    where = ", as first is given it"
    assert [one.evidence for one in found] == ([said + where] if said else [])
    if found:
        assert (found[0].code, found[0].layer) == ("unscaled-input", "data")
        assert found[0].why.startswith("The first layer's ")
        assert ("too large" in found[0].why) == (max(sizes) > 1)
        assert found[0].fix.startswith("scale = keras.layers.Normalization()")


def test_features_are_the_last_axis_wherever_the_examples_lie():
    # One column of one row in ten is 100: 0.1^(1/2) of it is its root mean square.
    x = np.ones((20, 5, 3))
    x[:, 2:3, 1] = np.where(np.arange(20) % 2, 100, 0)[:, None]
    (found,) = scale(x)
    expected = math.sqrt((0.8 * 1) + 0.1 * 100**2)
    assert found.evidence.startswith(f"root mean square {expected:.3g} of a feature")


@pytest.mark.parametrize(
    ("low", "high", "pixels"),
    [(0, 255, True), (0, 256, False), (-1, 255, False), (0.5, 255, False)],
)
def test_whole_numbers_from_0_to_255_are_pixels(low, high, pixels):
    (found,) = scale(np.where(np.arange(64) % 2, low, high)[:, None] * np.ones((1, 3)))
    assert found.fix.startswith("keras.layers.Rescaling(1 / 127.5, offset=-1)") == pixels
    small = scale(np.where(np.arange(64) % 400 == 0, 0.1, 0)[:, None] * np.ones((1, 3)))
    assert "Normalization" in small[0].fix


def test_what_a_layer_scales_first_is_judged_behind_it():
    x = np.random.default_rng(0).standard_normal((64, 8)) * 1e3
    assert scale(x, L.Rescaling(1e-3)) == [] and scale(x, L.LayerNormalization()) == []
    (found,) = scale(x, L.Dropout(0.1))
    assert found.layer == "data" and found.evidence.endswith(", as first is given it")


def test_what_is_looked_up_has_no_scale():
    inputs = keras.Input((3,))
    words = L.Embedding(5, 4, embeddings_initializer=keras.initializers.Constant(1e3))(inputs)
    model = keras.Model(inputs, L.Dense(1)(L.Flatten()(words)))
    model.compile("sgd", "mean_squared_error")
    x = np.random.default_rng(0).integers(0, 5, (64, 3)).astype("float32")
    probe = KerasProbe(model, draw(x, np.zeros(64), 256))
    with undisturbed(model):
        result = probe.run()
    path = _path.through(result.calls, result.outputs)
    assert _signals.scale_of_input(path, WORDS) == []
    assert _signals.scale_of_input(_path.through([], []), WORDS) == []


# Units ----------------------------------------------------------------------------------------


def units(hidden, n=64, depth=2):
    """Judge the units of a network whose middle layer, ten times its width, is given."""
    x = np.random.default_rng(0).standard_normal((n, 8)).astype("float32")
    first = [L.Dense(16, "tanh", name=f"before_{at}") for at in range(depth - 1)]
    model = keras.Sequential([keras.Input((8,)), *first, *hidden, L.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    probe = KerasProbe(model, draw(x, (x[:, 0] > 0).astype("float32"), 256))
    with undisturbed(model):
        result = probe.run()
    return _signals.units(result, _path.through(result.calls, result.outputs), probe)


def constant(activation, value, units=16):
    """A layer whose units are this constant before the activation."""
    return L.Dense(units, activation, name="constant", kernel_initializer="zeros",
                   bias_initializer=keras.initializers.Constant(value))  # fmt: skip


@pytest.mark.parametrize(
    ("hidden", "code", "said"),
    [
        ([constant("relu", -9)], "dead-units", "100% of its units give 0 on all 64 examples"),
        ([constant("relu6", -9)], "dead-units", "100% of its units give 0 on all 64 examples"),
        ([constant("relu6", 9)], "dead-units", "100% of its units have slope 0 on all 64 exa"),
        ([constant(None, 9), L.ReLU(max_value=2.0)], "dead-units", "100% of its units have slo"),
        ([constant(None, -9), L.ReLU()], "dead-units", "100% of its units give 0 on all 64 exa"),
        ([constant("sigmoid", -9)], "saturated-units", "100% of its slopes are below a twentie"),
        ([constant("sigmoid", 9)], "saturated-units", "100% of its slopes are below a twentie"),
        ([constant("hard_sigmoid", 9)], "saturated-units", "100% of its slopes are below a twe"),
        ([constant("tanh", -9)], "saturated-units", "100% of its slopes are below a twentieth"),
        ([constant("softplus", -9)], "saturated-units", "100% of its slopes are below a twenti"),
    ],
)
def test_units_at_the_ends_of_their_activation_are_named(hidden, code, said):
    (found,), notes = units(hidden)
    assert (found.code, found.layer, notes) == (code, "constant", [])
    assert found.evidence.startswith(said) and ", above " in found.evidence
    assert found.fix == 'keras.layers.Dense(..., bias_initializer="zeros")'


@pytest.mark.parametrize(
    "hidden",
    [
        *[[constant("relu", 9)], [constant("relu6", 3)], [constant("softplus", 9)]],
        *[[constant("sigmoid", 1)], [constant("tanh", -1)], [constant("elu", -99)]],
        *[[constant("silu", -99)], [constant(None, -99)], [constant("softmax", -99)]],
    ],
)
def test_units_that_slope_or_whose_slope_is_unknown_are_not(hidden):
    assert units(hidden) == ([], [])


def test_a_layer_between_the_weights_and_what_bends_them_is_passed():
    low = keras.initializers.Constant(-50.0)
    between = [L.LayerNormalization(beta_initializer=low), L.Dropout(0.5)]
    (found,), _ = units([constant(None, -9), *between, L.ReLU(name="bend")])
    assert (found.code, found.layer) == ("dead-units", "constant")
    assert found.fix == 'keras.layers.Dense(..., bias_initializer="zeros")'


@pytest.mark.parametrize(("bias", "fix"), [(1.5, "bias"), (-1.5, "bias"), (1.0, "kernel")])
def test_a_bias_beyond_1_is_the_cause_of_saturation_else_the_kernel(bias, fix):
    layer = L.Dense(16, "tanh", name="wide", bias_initializer=keras.initializers.Constant(bias),
                    kernel_initializer=keras.initializers.RandomNormal(0, 900.0))  # fmt: skip
    (found,), _ = units([layer])
    said = {"bias": 'bias_initializer="zeros"', "kernel": 'kernel_initializer="glorot_uniform"'}
    assert found.fix == f"keras.layers.Dense(..., {said[fix]})"


def test_few_examples_are_a_note_and_one_at_a_place_of_an_image_counts():
    note = "dead units: 15 examples are too few to call a unit silent"
    assert units([constant("relu", -9)], n=15) == ([], [note])
    assert len(units([constant("relu", -9)], n=16)[0]) == 1
    # Places of an image are examples of a channel.
    places = [L.Reshape((4, 4, 1)), L.Conv2D(4, 1, activation="relu", name="constant",
              kernel_initializer="zeros",
              bias_initializer=keras.initializers.Constant(-9.0))]  # fmt: skip
    (found,), _ = units([*places, L.Flatten()], n=4)
    assert found.layer == "constant" and found.fix.startswith("keras.layers.Conv2D(..., bias")


def test_an_output_that_starts_as_nothing_is_no_product():
    """Its weights are 0 and pass nothing on, and its first step makes them another number."""
    x = np.random.default_rng(0).standard_normal((32, 8)).astype("float32")

    def judged(start, trainable=True):
        end = L.Dense(1, kernel_initializer=start, name="output", trainable=trainable)
        model = keras.Sequential([keras.Input((8,)), L.Dense(16, "relu", name="hidden"), end])
        model.compile("adam", "mean_squared_error")
        probe = KerasProbe(model, draw(x, x[:, :1], 32))
        with undisturbed(model):
            result = probe.run()
            return _signals.product(probe, _path.through(result.calls, result.outputs))

    note = "the products of gains: output starts as 0, and is another after one step"
    assert judged("zeros") == ([], [note])
    assert judged("glorot_uniform") == ([], [])
    # Weights of 0 that never move are no start.
    assert judged("zeros", trainable=False)[1] != [note]
