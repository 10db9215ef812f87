"""Blocks give what Keras gives, their gradients are the loss's, each setting does what it says."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from livegrad_lab.blocks import KINDS, Blocks, Network, bfloat16
from livegrad_lab.stack import OPTIMIZERS

RNG = np.random.default_rng(0)
X = RNG.standard_normal((24, 6))
Y = RNG.integers(0, 3, 24)
BUILDS = [(kind, 0) for kind in KINDS] + [(kind, 3) for kind in KINDS[2:]]


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras")


def built(kind="plain", tokens=0, optimizer="sgd", depth=2, seed=1, **networks):
    networks = networks or {"one": Network(), "other": Network(gain=0.5, smoothing=0.2)}
    net = Blocks(kind, 6, 4, depth, 3, networks, seed, optimizer=optimizer, tokens=tokens)
    for array in net.arrays:  # nothing is at 0 or 1 by chance
        array += 0.1 * np.random.default_rng(9).standard_normal(array.shape[1:])
    return net


def trained_loss(net):
    """The mean losses in training, against the targets that each network is given."""
    net._training = True
    logits = net._through(net._cut(X))[0]
    net._training = False
    shares = net._column["smoothing"]
    targets = (1 - shares) * np.eye(3)[Y] + shares / 3
    return -(targets * log_softmax(logits, axis=-1)).sum(axis=-1).mean(axis=-1)


@pytest.mark.parametrize(("kind", "tokens"), BUILDS)
def test_the_gradients_are_those_of_finite_differences(kind, tokens):
    net = built(kind, tokens)
    net.measure(X, Y, training=True)
    step, rng = 1e-6, np.random.default_rng(3)
    for array, gradient in zip(net.arrays, [g.copy() for g in net.gradients], strict=True):
        assert gradient.shape == array.shape
        for arm in range(2):
            place = (arm, *(rng.integers(size) for size in array.shape[1:]))
            losses = []
            for sign in (1, -1):
                array[place] += sign * step
                losses.append(trained_loss(net)[arm])
                array[place] -= sign * step
            seen = (losses[0] - losses[1]) / (2 * step)
            assert gradient[place] == pytest.approx(seen, rel=1e-4, abs=1e-8)


def test_the_gradients_hold_with_dropout_and_noise():
    net = built("batch norm", one=Network(dropout=0.5, noise=0.5), two=Network())

    def loss():
        net._rng = np.random.default_rng(5)
        return trained_loss(net)

    net._rng = np.random.default_rng(5)
    net.measure(X, Y, training=True)
    weights, gradient = net.arrays[0], net.gradients[0].copy()
    for place in [(0, 1, 2), (1, 3, 0)]:
        weights[place] += 1e-6
        above = loss()[place[0]]
        weights[place] -= 2e-6
        below = loss()[place[0]]
        weights[place] += 1e-6
        assert gradient[place] == pytest.approx((above - below) / 2e-6, rel=1e-4, abs=1e-8)


def test_attention_with_pre_norm_is_keras_s(keras):
    layers = keras.layers
    net = built("pre-norm", 3, depth=1)
    (w, b, place, qkv, added, out, last, *rest) = [array[0] for array in net.arrays]
    gain, shift, w1, b1, w2, b2, gain2, shift2, gain3, shift3, w3, b3 = rest

    def norm(x, gain, shift):
        layer = layers.LayerNormalization(epsilon=1e-5)
        layer.build(x.shape)
        layer.set_weights([gain[0], shift[0]])
        return layer(x.astype("float32")).numpy()

    h = X.reshape(24, 3, 2) @ w + b + place
    inner = norm(h, gain, shift)
    attention = layers.MultiHeadAttention(num_heads=1, key_dim=4)
    attention.build(inner.shape, inner.shape)
    kernels = [part.reshape(4, 1, 4) for part in np.split(qkv, 3, axis=1)]
    biases = [part.reshape(1, 4) for part in np.split(added[0], 3)]
    pairs = [one for pair in zip(kernels, biases, strict=True) for one in pair]
    attention.set_weights([*pairs, out.reshape(1, 4, 4), last[0]])
    h = h + attention(inner, inner).numpy()
    h = h + np.maximum(norm(h, gain2, shift2) @ w1 + b1, 0) @ w2 + b2
    expected = norm(h, gain3, shift3).mean(axis=1) @ w3 + b3
    np.testing.assert_allclose(net.logits(X)[0], expected, rtol=1e-4, atol=1e-5)


def test_post_norm_stands_behind_the_shortcut():
    net = built("post-norm", depth=1)
    (w, b, w1, b1, w2, b2, gain, shift, w3, b3) = [array[0] for array in net.arrays]
    h = X @ w + b
    h = h + np.maximum(h @ w1 + b1, 0) @ w2 + b2
    z = (h - h.mean(axis=1, keepdims=True)) / np.sqrt(h.var(axis=1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(net.logits(X)[0], (z * gain + shift) @ w3 + b3)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("setting", [{}, {"decay": 0.1}, {"clip": 0.05}, {"l2": 0.1}])
def test_a_step_is_keras_s(keras, optimizer, setting):
    net = built(optimizer=optimizer, it=Network(learning_rate=0.01, **setting))
    start = [array.copy() for array in net.arrays]
    given = {"learning_rate": 0.01, "global_clipnorm": setting.get("clip")}
    if optimizer == "adam":
        theirs = keras.optimizers.AdamW(**given, weight_decay=setting.get("decay", 0.0))
    else:
        momentum = 0.9 if optimizer == "momentum" else 0.0
        theirs = keras.optimizers.SGD(**given, momentum=momentum, weight_decay=setting.get("decay"))
    values = [keras.Variable(array.astype("float32")) for array in start]
    theirs.build(values)
    theirs.exclude_from_weight_decay([v for v in values if v.shape[1] == 1])
    for _ in range(3):
        net.measure(X, Y, training=True)
        step = [
            g + setting.get("l2", 0) * a * (a.shape[1] > 1)
            for g, a in zip(net.gradients, net.arrays, strict=True)
        ]
        theirs.apply([keras.ops.convert_to_tensor(g.astype("float32")) for g in step], values)
        net._step()
    for mine, other in zip(net.arrays, values, strict=True):
        np.testing.assert_allclose(mine, other.value.numpy(), rtol=2e-4, atol=2e-6)


def test_warm_up_reaches_the_rate_in_equal_parts():
    net = built(slow=Network(warm_up=4), fast=Network())
    shares = []
    for _ in range(6):
        net.measure(X, Y)
        before = net.arrays[0].copy()
        net._step()
        moved = (before - net.arrays[0]) / (0.1 * net.gradients[0])
        shares.append([np.nanmedian(moved[arm]) for arm in (0, 1)])
    np.testing.assert_allclose(shares, [[s, 1] for s in (0.25, 0.5, 0.75, 1, 1, 1)], rtol=1e-6)


def test_networks_of_one_setting_do_not_touch_each_other():
    plain = Network(learning_rate=0.3)
    others = {"a": replace(plain, dropout=0.5), "b": replace(plain, clip=1e-3), "c": plain}
    others |= {"d": replace(plain, precision="float16", scale=8.0), "e": replace(plain, l2=0.3)}
    many, alone = (Blocks("plain", 6, 4, 2, 3, nets, 7) for nets in (others, {"c": plain}))
    for net in (many, alone):
        net.fit(X, Y, 4, 8)
    np.testing.assert_allclose(many.logits(X)[2], alone.logits(X)[0])
    assert np.ptp(many.loss(X, Y)) > 1e-3


@pytest.mark.parametrize(("kind", "tokens"), BUILDS)
def test_weights_of_another_size_are_the_hidden_ones(kind, tokens):
    net = Blocks(kind, 6, 4, 2, 3, {"one": Network(), "ten": Network(gain=10.0)}, 0, tokens=tokens)
    weights = [array for array, yes in zip(net.arrays, net._weights, strict=True) if yes]
    sizes = [float(np.abs(ten).max() / np.abs(one).max()) for one, ten in weights]
    hidden = 10 * (kind in {"plain", "batch norm"}) or 1  # there the first layer is hidden too
    np.testing.assert_allclose(sizes, [hidden, *(len(sizes) - 2) * [10], 1])


def test_blocks_that_end_in_zeros_are_not_there():
    net = Blocks("residual", 6, 4, 5, 3, {"zero": Network(last=0.0)}, 0)
    w, b, out, added = net.arrays[0], net.arrays[1], net.arrays[-2], net.arrays[-1]
    np.testing.assert_allclose(net.logits(X), (X @ w + b) @ out + added)
    net.measure(X, Y)
    assert all(np.any(net.gradients[at]) for at in range(4, len(net.arrays) - 2, 4))


def test_a_batch_normalisation_uses_all_examples_outside_training():
    net = Blocks("batch norm", 6, 4, 1, 3, {"one": Network()}, 0)
    net.fit(X, Y, 2, 8)
    together = net.logits(X)[0]
    single = np.concatenate([net.logits(row[None])[0] for row in X])
    np.testing.assert_allclose(together, single)


def test_a_batch_normalisation_does_not_see_the_size_of_the_weights():
    net = Blocks("batch norm", 6, 4, 3, 3, {"one": Network(), "ten": Network(gain=10.0)}, 0)
    one, ten = net.logits(X)
    np.testing.assert_allclose(one, ten, rtol=1e-3, atol=1e-3)


def test_noise_and_dropout_act_in_training_only():
    net = built("batch norm", one=Network(noise=0.5), two=Network(dropout=0.5), three=Network())
    net.fit(X, Y, 1, 8)
    assert (net.logits(X) == net.logits(X)).all()
    assert np.any(trained_loss(net) != trained_loss(net))


def test_rounding_is_that_of_the_formats():
    values = np.concatenate([RNG.standard_normal(500) * 10.0 ** RNG.integers(-30, 30, 500), [0]])
    ml_dtypes = pytest.importorskip("ml_dtypes")
    expected = values.astype(np.float32).astype(ml_dtypes.bfloat16).astype(np.float32)
    assert (bfloat16(values) == expected).all()
    net = built(half=Network(precision="float16"), full=Network())
    half, full = net.logits(X)
    assert (half.astype(np.float16) == half).all() and not (half == full).all()


def test_a_scaled_loss_saves_gradients_that_float16_would_lose():
    lost = []
    for scale in (1.0, 2.0**14):
        net = built(one=Network(precision="float16", scale=scale))
        net.arrays[-2] *= 1e-6  # what comes back through the output is too small
        net.measure(X, Y)
        lost.append(np.mean(net.gradients[0] == 0))
    assert lost[0] > 0.9 > 0.1 > lost[1]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": "odd"}, "kind must be one of plain"),
        ({"optimizer": "odd"}, "optimizer must be one of sgd"),
        ({"kind": "residual", "tokens": 4}, "tokens must divide 6"),
        ({"kind": "plain", "tokens": 2}, "tokens must divide 6"),
    ],
)
def test_what_there_is_not_is_named(given, message):
    with pytest.raises(ValueError, match=message):
        built(**given)


def test_a_loss_is_that_of_the_labels():
    net = built()
    p = softmax(net.logits(X), axis=-1)
    np.testing.assert_allclose(net.loss(X, Y), -np.log(p[:, np.arange(24), Y]).mean(axis=1))


@pytest.mark.parametrize(("kind", "tokens"), BUILDS)
def test_single_precision_stays_single(kind, tokens):
    networks = {"a": Network(dropout=0.2, noise=0.1, clip=0.1, l2=0.1), "b": Network(smoothing=0.1)}
    net = Blocks(kind, 6, 4, 2, 3, networks, 0, optimizer="adam", tokens=tokens, dtype=np.float32)
    net.fit(X, Y, 1, 8)
    used = [*net.arrays, *net.gradients, *net._state[0], *net._state[1], net.logits(X)]
    assert {array.dtype for array in used} == {np.dtype("float32")}
