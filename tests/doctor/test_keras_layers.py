"""Plain facts of a Keras layer: names, weights, and what is one layer of a model."""

from __future__ import annotations

import functools

import keras
import numpy as np
import pytest

from livegrad.doctor._keras.layers import activation_of, facts, inner

L = keras.layers


# Names ----------------------------------------------------------------------------------------


def relu(x):
    return keras.ops.maximum(x, 0)


def mish(x):
    return x


@pytest.mark.parametrize(
    ("layer", "name"),
    [
        *[(L.ReLU(), "relu"), (L.LeakyReLU(), "leaky_relu"), (L.PReLU(), "leaky_relu")],
        *[(L.ELU(), "elu"), (L.Softmax(), "softmax"), (L.Activation("tanh"), "tanh")],
        *[(L.Dense(1), "linear"), (L.Dense(1, "linear"), "linear"), (L.Dense(1, "gelu"), "gelu")],
        *[(L.Conv2D(1, 1, activation="silu"), "silu"), (L.SeparableConv1D(1, 1), "linear")],
        *[(L.Dense(1, L.LeakyReLU()), "leaky_relu"), (L.Dense(1, relu), "relu")],
        *[(L.Dense(1, "mish"), "mish"), (L.Dense(1, mish), "unknown")],
        *[(L.Dense(1, functools.partial(keras.activations.elu, alpha=0.5)), "unknown")],
        *[(L.Dense(1, lambda z: z), "unknown"), (L.BatchNormalization(), "none")],
        *[(L.MaxPooling1D(), "none"), (L.Embedding(2, 2), "none"), (L.LSTM(2), "none")],
    ],
)
def test_an_activation_is_named_wherever_it_stands(layer, name):
    assert activation_of(layer) == name


def test_a_layer_without_an_activation_is_linear():
    layer = L.Dense(1, "tanh")
    layer.activation = None
    assert activation_of(layer) == "linear"


@pytest.mark.parametrize(
    ("given", "name"),
    [("he_normal", "he_normal"), ("random_normal", "random_normal"), ("orthogonal", "orthogonal")],
)
def test_an_initializer_is_named_as_keras_takes_it(given, name):
    layer = L.Dense(2, kernel_initializer=given)
    assert facts(layer).initializer == name
    assert isinstance(keras.initializers.get(name), type(layer.kernel_initializer))


# Weights --------------------------------------------------------------------------------------


def built(layer, *shape):
    layer.build((None, *shape))
    return layer


def test_a_layer_with_another_for_its_activation_has_its_own_weights_by_name():
    layer = built(L.Dense(4, L.PReLU(name="bend")), 3)
    layer.activation.build((None, 4))
    told = facts(layer)
    assert list(told.weights) == ["kernel", "bias"]
    assert (told.kernel.shape, told.bias.shape) == ((3, 4), (4,))
    model = keras.Sequential([keras.Input((3,)), layer])
    assert [one.name for one in inner(model)][1:] == [layer.name, "bend"]


def test_what_is_not_looked_into_has_all_weights_by_path():
    layer = built(L.TimeDistributed(L.Dense(4, name="each"), name="all"), 5, 3)
    told = facts(layer)
    assert told.kind == "wrapper" and told.kernel is None
    assert [path.rpartition("/")[2] for path in told.weights] == ["kernel", "bias"]
    model = keras.Sequential([keras.Input((5, 3)), layer])
    assert [one.name for one in inner(model)][1:] == ["each"]


def test_a_block_has_the_weights_that_are_not_its_parts():
    class Block(L.Layer):
        def __init__(self):
            super().__init__(name="block")
            self.part = L.Dense(3, name="part")

        def build(self, shape):
            self.part.build(shape)
            self.scale = self.add_weight(shape=(3,), name="scale")
            self.shift = self.add_weight(shape=(3,), name="scale")

        def call(self, x):
            return self.part(x) * self.scale + self.shift

    model = keras.Sequential([keras.Input((3,)), Block(), L.ReLU(name="bend")])
    assert [one.name for one in inner(model)][1:] == ["block", "part", "bend"]
    told = facts(model.layers[0])
    # Two weights of one name are both told.
    assert [weight.name for weight in told.weights.values()] == ["scale", "scale"]


def test_whole_numbers_among_the_weights_are_told_too():
    layer = L.Normalization()
    layer.adapt(np.random.default_rng(0).standard_normal((9, 3)))
    whole = L.Layer()
    whole.add_weight(shape=(), dtype="int32", initializer="zeros", name="count", trainable=False)
    assert all(np.isfinite(weight.value).all() for weight in facts(layer).weights.values())
    (count,) = facts(whole).weights.values()
    assert (count.value, count.epsilon, count.trainable) == (0, 0, False)


def test_only_penalties_whose_terms_are_known_are_told():
    class Own(keras.regularizers.Regularizer):
        l2 = np.array([1.0, 2.0])

        def __call__(self, x):
            return 0.0

    both = keras.regularizers.L1L2(0.5, 0.25)
    known = {"l1": (0.01, 0), both: (0.5, 0.25), keras.regularizers.L2(2.0): (0, 2)}
    for given, penalty in (known | {Own(): (0, 0), None: (0, 0)}).items():
        layer = built(L.Dense(2, kernel_regularizer=given), 2)
        assert facts(layer).kernel.penalty == pytest.approx(penalty)
        assert facts(layer).bias.penalty == (0, 0)


def test_only_a_normalisations_momentum_is_one():
    class Own(L.Layer):
        momentum = "fast"

    assert facts(Own()).momentum == 0 and facts(L.BatchNormalization()).momentum == 0.99


def test_a_weights_value_is_that_of_the_moment_in_double_precision():
    for dtype in ("float16", "bfloat16", "float32"):
        layer = built(L.Dense(2, dtype=dtype), 2)
        kernel = facts(layer).kernel
        layer.kernel.assign(np.full((2, 2), 1.5))
        assert kernel.value.dtype == np.float64 and (kernel.value == 1.5).all()
