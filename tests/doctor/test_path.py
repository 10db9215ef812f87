"""The slope of an activation, from its output: beside the slope that a tape measures."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from livegrad.doctor._path import slope

L = keras.layers
Z = np.concatenate([np.linspace(-8, 8, 161), [-2.5, 2.5]]).astype("float32")
STEEPEST = {"sigmoid": 0.25, "hard_sigmoid": 1 / 6}


def measured(layer, activation):
    z = tf.constant(Z[:, None])
    with tf.GradientTape() as tape:
        tape.watch(z)
        a = activation(z)
    return slope(layer, a), tape.gradient(a, z)


@pytest.mark.parametrize("name", ["relu", "relu6", "sigmoid", "tanh", "softplus", "hard_sigmoid"])
def test_a_slope_is_that_of_the_tape_over_the_steepest(name):
    found, true = measured(L.Dense(1, name), keras.activations.get(name))
    assert found.dtype == tf.float64
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
    assert slope(layer, tf.constant(Z[:, None])) is None
