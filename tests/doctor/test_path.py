"""The path through a model: slopes beside those that a tape measures, bounds, blocks."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from livegrad.doctor._facts import Optimizer
from livegrad.doctor._keras.data import draw
from livegrad.doctor._keras.layers import facts
from livegrad.doctor._keras.probe import KerasProbe, undisturbed
from livegrad.doctor._path import bends, bounds, slope, through
from livegrad.signals import GRADIENT_BOUNDS, SIGNAL_BOUNDS

L = keras.layers
Z = np.concatenate([np.linspace(-8, 8, 161), [-2.5, 2.5]]).astype("float32")
STEEPEST = {"sigmoid": 0.25, "hard_sigmoid": 1 / 6}


def measured(layer, activation):
    z = tf.constant(Z[:, None])
    with tf.GradientTape() as tape:
        tape.watch(z)
        a = activation(z)
    return slope(facts(layer), a.numpy()), tape.gradient(a, z).numpy()


@pytest.mark.parametrize("name", ["relu", "relu6", "sigmoid", "tanh", "softplus", "hard_sigmoid"])
def test_a_slope_is_that_of_the_tape_over_the_steepest(name):
    found, true = measured(L.Dense(1, name), keras.activations.get(name))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, true / STEEPEST.get(name, 1.0), atol=2e-6)


@pytest.mark.parametrize("most", [None, 2.0, 6])
def test_a_relu_that_ends_has_no_slope_beyond_its_end(most):
    layer = L.ReLU(max_value=most)
    found, true = measured(layer, layer)
    inside = most != Z  # at its end, the output is that of all beyond
    np.testing.assert_array_equal(found[inside], true[inside])


@pytest.mark.parametrize(
    "layer",
    [
        *[L.ReLU(negative_slope=0.1), L.ReLU(threshold=0.5), L.LeakyReLU(), L.Dense(1)],
        *[L.Dense(1, name) for name in ("silu", "gelu", "elu", "selu", "softmax")],
    ],
)
def test_a_slope_that_the_output_does_not_tell_is_unknown(layer):
    assert slope(facts(layer), Z[:, None]) is None


@pytest.mark.parametrize(
    ("layer", "bent"),
    [
        *[(L.Flatten(), False), (L.Dropout(0.5), False), (L.BatchNormalization(), False)],
        *[(L.AveragePooling2D(2), False), (L.Activation("linear"), False), (L.Dense(1), False)],
        *[(L.MaxPooling2D(2), True), (L.Activation("relu"), True), (L.LayerNormalization(), True)],
        *[(L.ReLU(), True), (L.Dense(1, "tanh"), True)],
    ],
)
def test_what_keeps_two_maps_from_being_one(layer, bent):
    assert bends(facts(layer)) is bent


def told(optimizer):
    """What the probe tells of an optimizer."""
    model = keras.Sequential([keras.Input((1,)), L.Dense(1)])
    model.compile(optimizer, "mean_squared_error")
    return KerasProbe(model, draw(np.ones((1, 1)), np.ones(1), 1)).optimizer


def test_only_sgd_has_its_own_bounds():
    adam, sgd = keras.optimizers.Adam(), keras.optimizers.SGD(momentum=0.9)

    class Own(keras.optimizers.SGD):
        pass

    for of, measured in [("gradient", GRADIENT_BOUNDS), ("signal", SIGNAL_BOUNDS)]:
        for optimizer in [sgd, Own(), keras.optimizers.LossScaleOptimizer(sgd)]:
            assert bounds(of, told(optimizer)) == measured["SGD"]
        for optimizer in [adam, keras.optimizers.RMSprop()]:
            assert bounds(of, told(optimizer)) == measured["Adam"]
        assert bounds(of, Optimizer("Own", adaptive=True, rate=0.1)) == measured["Adam"]


# The way --------------------------------------------------------------------------------------


class Scaled(L.Layer):
    """A layer of the reader's own, with a weight."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(), initializer="ones", name="scale")

    def call(self, x):
        return x * self.scale


def passed(*layers, x=None):
    x = np.random.default_rng(0).standard_normal((32, 8)).astype("float32") if x is None else x
    inputs = keras.Input(x.shape[1:], dtype=x.dtype)
    out = inputs
    for layer in layers:
        out = layer(out)
    model = keras.Model(inputs, out)
    model.compile("sgd", "mean_squared_error")
    sample = draw(x, np.zeros((len(x), *out.shape[1:])), 32)
    with undisturbed(model):
        result = KerasProbe(model, sample).run()
    return result, through(result.calls, result.outputs)


def names(calls):
    return [call.layer.name for call in calls]


def test_a_block_is_weights_with_what_bends_and_scales_behind_them():
    result, path = passed(
        Scaled(name="before"), L.Dense(6, "relu", name="a"), L.BatchNormalization(name="norm"),
        L.Dropout(0.5, name="mask"), L.Reshape((2, 3), name="shape"), L.Dense(4, name="b"),
        L.Flatten(name="flat"), L.ReLU(name="bend"), Scaled(name="own"), L.Dense(3, name="head"),
        L.Softmax(name="soft"),
    )  # fmt: skip
    assert [block.name for block in path.blocks] == ["a", "b"] and path.head.name == "head"
    assert [names(block.followers) for block in path.blocks] == [["norm"], ["bend"]]
    assert [[result.calls[p].layer.name for p in block.passed] for block in path.blocks] == [
        ["norm", "mask", "shape"], ["flat", "bend", "own"],
    ]  # fmt: skip
    assert [block.activation for block in [*path.blocks, path.head]] == ["relu", "relu", "softmax"]
    assert [block.width for block in path.blocks] == [6, 4]
    assert (
        path.depth == 2 and path.unknown == ["before", "own"] and names(path.before) == ["before"]
    )
    assert path.start.layer.name == "before"


def test_weights_that_are_not_understood_take_the_output_from_the_last_block():
    _, path = passed(L.Dense(4, "tanh", name="a"), L.Dense(4, "relu", name="b"), Scaled(name="own"))
    assert [block.name for block in path.blocks] == ["a", "b"] and path.head is None
    # The last block's own slopes are all that is known of its gain.
    assert (
        path.gains[1]
        == path.blocks[1].through_activation()
        == path.own_factors[1] / (path.blocks[1].through_weights())
    )
    assert len(path.own_factors) == 2


def test_a_gradient_of_0_has_no_factors():
    zeros = L.Dense(1, kernel_initializer="zeros")
    _, path = passed(L.Dense(4, "relu"), L.LayerNormalization(), L.ReLU(), L.Dense(4), zeros)
    assert len(path.gains) == 2 and np.isnan([*path.gains, *path.own_factors]).all()
    assert np.isfinite(path.signal_gains).all()
    _, path = passed(L.Dense(4, "relu", kernel_initializer="zeros"), L.Dense(4, "relu"), L.Dense(1))
    assert path.signal_gains[0] == 0 and np.isnan(path.signal_gains[1])


def test_the_last_activation_that_bends_is_the_blocks():
    _, path = passed(
        L.Dense(4, "tanh", name="a"), L.LeakyReLU(), L.Activation("linear"), L.Dense(1)
    )
    assert path.blocks[0].activation == "leaky_relu"
    _, path = passed(L.Dense(4, name="a"), L.LayerNormalization(), L.Dense(1))
    assert path.blocks[0].activation == "linear"


def test_an_embedding_is_no_unknown_layer_and_the_first_weights_of_its_path():
    x = np.arange(64).reshape(32, 2) % 5
    _, path = passed(L.Embedding(5, 3, name="words"), L.Flatten(), L.Dense(4, "relu"), L.Dense(1),
                     x=x)  # fmt: skip
    assert path.unknown == [] and path.start.layer.name == "words"


def test_a_normalisation_is_not_where_the_data_meet_the_first_weights():
    _, path = passed(L.LayerNormalization(name="scale"), L.Dense(1, name="only"))
    assert path.blocks == [] and path.head.name == "only" and path.depth == 1
    assert path.start.layer.name == "only" and path.gains == path.own_factors == []


def test_chance_counts_what_enters_the_weights_above():
    x = np.random.default_rng(0).standard_normal((32, 6, 6, 2)).astype("float32")
    _, path = passed(L.Conv2D(4, 3, activation="relu"), L.Conv2D(5, 2, activation="relu"),
                     L.Flatten(), L.Dense(1), x=x)  # fmt: skip
    total = 5 / (2 * 2 * 4) + 5 / (3 * 3 * 5)
    assert path.chance == pytest.approx((1.5 * total**0.5 + total / 4, 1.5 * total**0.5))
    _, path = passed(L.Dense(4, "relu"), L.Dense(6, "relu"), Scaled())
    total = 5 / 4 + 5 / 6
    assert path.chance == pytest.approx((1.5 * total**0.5 + total / 4, 1.5 * total**0.5))


def test_of_two_ways_the_one_with_more_weights_is_taken():
    inputs = keras.Input((8,))
    long = L.Dense(4, "relu", name="second")(L.Dense(4, "relu", name="first")(inputs))
    short = L.Dense(4, "relu", name="short")(inputs)  # called last
    out = L.Dense(1, name="out")(L.Add()([long, short]))
    model = keras.Model(inputs, [L.Dense(1, name="early")(short), out])
    model.compile("sgd", ["mean_squared_error", "mean_squared_error"])
    x, y = np.ones((32, 8), "float32"), np.zeros((32, 1))
    with undisturbed(model):
        result = KerasProbe(model, draw(x, [y, y], 32)).run()
    assert names(result.calls)[:3] == ["first", "second", "short"]
    path = through(result.calls, result.outputs)
    assert [block.name for block in path.blocks] == ["first", "second"]
    assert path.head.name == "out"
