"""Keras and Flax NNX with the same weights: the same codes, at the same places, the same gains."""

from __future__ import annotations

import keras
import numpy as np
import pytest

pytest.importorskip("flax", reason="needs livegrad[jax]")

import jax.numpy as jnp
import optax
from flax import nnx

from livegrad.doctor import examine

L = keras.layers
BINARY = keras.losses.BinaryCrossentropy(from_logits=True)
SPARSE = keras.losses.SparseCategoricalCrossentropy(from_logits=True)


class Twin(nnx.Module):
    """The twin of a sequential Keras model, with its weights."""

    def __init__(self, model):
        rngs = nnx.Rngs(0)
        self.names = tuple(layer.name for layer in model.layers)
        self.bends = {}
        for layer in model.layers:
            kernel = getattr(layer, "kernel", None)
            if isinstance(layer, L.Dense):
                own = nnx.Linear(*kernel.shape, rngs=rngs)
            elif isinstance(layer, L.Conv2D):
                *window, came, units = kernel.shape
                own = nnx.Conv(came, units, tuple(window), rngs=rngs)
            elif isinstance(layer, L.BatchNormalization):
                own = nnx.BatchNorm(layer.gamma.shape[0], epsilon=layer.epsilon, rngs=rngs)
                own.scale[...], own.bias[...] = (
                    jnp.asarray(v.numpy()) for v in (layer.gamma, layer.beta)
                )
            else:
                self.bends[layer.name] = type(layer).__name__
                continue
            if kernel is not None:
                own.kernel[...] = jnp.asarray(kernel.numpy())
                own.bias[...] = jnp.asarray(layer.bias.numpy())
                self.bends[layer.name] = layer.activation.__name__
            setattr(self, layer.name, own)

    def __call__(self, x):
        for name in self.names:
            part = getattr(self, name, None)
            x = x if part is None else part(x)
            bent = self.bends.get(name, "linear").lower()
            if bent == "flatten":
                x = x.reshape(x.shape[0], -1)
            elif bent != "linear":
                x = getattr(nnx, bent)(x)
        return x


def dense(n, activation, units=32):
    return [L.Dense(units, activation, name=f"d{at}") for at in range(n)]


def he(n):
    return [L.Dense(32, "relu", kernel_initializer="he_normal", name=f"d{at}") for at in range(n)]


def out(activation=None, units=1):
    return L.Dense(units, activation, name="out")


CASES = {
    "ten sigmoids": (lambda: [*dense(10, "sigmoid"), out()], BINARY, 1.0),
    "healthy": (lambda: [*he(3), out()], BINARY, 1.0),
    "convolutions": (
        lambda: [
            L.Conv2D(8, 3, padding="same", name="c0"),
            L.BatchNormalization(name="norm"),
            L.ReLU(name="bend"),
            L.Conv2D(8, 3, padding="same", activation="relu", name="c1"),
            L.Flatten(name="flat"),
            out(),
        ],
        BINARY,
        1.0,
    ),
    "softmax before logits": (
        lambda: [*he(2), out("softmax", 3), L.Flatten(name="flat")],
        SPARSE,
        1.0,
    ),
    "unscaled": (lambda: [*he(2), out()], BINARY, 200.0),
    "two linear": (lambda: [*dense(2, None), out()], BINARY, 1.0),
}
EXPECTED = {
    "ten sigmoids": ("vanishing-gradient",),
    "healthy": (),
    "convolutions": (),
    "softmax before logits": ("output-loss-mismatch",),
    "unscaled": ("unscaled-input",),
    "two linear": ("no-nonlinearity",),
}


@pytest.mark.parametrize("case", CASES)
def test_the_same_weights_give_the_same_examination(case):
    layers, loss, size = CASES[case]
    rng = np.random.default_rng(0)
    shape = (6, 6, 1) if case == "convolutions" else (8,)
    x = (size * rng.standard_normal((128, *shape))).astype("float32")
    flat = x.reshape(128, -1)
    y = (flat[:, :1] > 0).astype("float32")
    if loss is SPARSE:
        y = (flat[:, 0] > 0).astype("int32") + (flat[:, 1] > 0)
    model = keras.Sequential([keras.Input(shape), *layers()])
    model.compile(keras.optimizers.Adam(1e-3), loss)
    own = optax.softmax_cross_entropy_with_integer_labels
    if loss is BINARY:
        own = optax.sigmoid_binary_cross_entropy
    first = examine(model, x, y, rows=128)
    second = examine(Twin(model), x, y, rows=128, loss=own, optimizer=optax.adam(1e-3))
    assert first.codes == second.codes == EXPECTED[case]
    for one, other in zip(first.findings, second.findings, strict=True):
        # A function has a name of its own here. Behind its own softmax Keras would have gone past
        # it, to the logits that it remembers; so another layer comes last.
        assert one.layer == {"softmax": "flat"}.get(other.layer, other.layer)
    assert [one.layer for one in first.layers] == [one.layer for one in second.layers]
    left = 1.0
    for one, other in zip(first.layers, second.layers, strict=True):
        assert one.activation == other.activation
        np.testing.assert_allclose(one.gain, other.gain, rtol=1e-5)
        # Ten sigmoids leave a signal that is near the rounding of what it is added to.
        left *= one.signal_gain
        rough = max(1e-5, 3e-6 / left)
        np.testing.assert_allclose(one.signal_gain, other.signal_gain, rtol=rough)
    np.testing.assert_allclose(first.loss, second.loss, rtol=1e-5)
