"""Each block against finite differences, Keras and PyTorch; put together, against MLP."""

import warnings

import numpy as np
import pytest

from livegrad import MLP, activations, blocks
from livegrad.blocks import (
    Activate,
    BatchNorm,
    Dense,
    LayerNorm,
    Network,
    Residual,
    RMSNorm,
    Sequential,
    mlp,
)
from livegrad.optimizers import SGD, Adam

RNG = np.random.default_rng(7)
ROWS, PLACES = RNG.standard_normal((6, 4)), RNG.standard_normal((3, 5, 4))


MADE = {
    "dense": lambda: (Dense(4, 3, rng=1), ROWS),
    "dense without bias": lambda: (Dense(4, 3, use_bias=False), PLACES),
    "tanh": lambda: (Activate("tanh"), ROWS),
    "softmax": lambda: (Activate("softmax"), ROWS),
    "batch norm": lambda: (BatchNorm(4), ROWS),
    "batch norm of places": lambda: (BatchNorm(4, epsilon=0.1), PLACES),
    "layer norm": lambda: (LayerNorm(4), ROWS),
    "layer norm of places": lambda: (LayerNorm(4, epsilon=0.2), PLACES),
    "rms norm": lambda: (RMSNorm(4, epsilon=0.1), PLACES),
    "sequential": lambda: (Sequential(Dense(4, 5), Activate("tanh"), Dense(5, 2)), ROWS),
    "shortcut": lambda: (Residual(Dense(4, 4), Activate("tanh"), Dense(4, 4, rng=1)), ROWS),
    "scaled shortcut": lambda: (Residual(LayerNorm(4), Dense(4, 4), scale=0.7), PLACES),
}


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize("name", MADE)
def test_the_way_back_is_the_slope(way_back, name, training):
    way_back(*MADE[name](), training)


def test_a_networks_gradients_are_the_losss_slope(differences):
    y = np.array([0, 2, 1, 1, 0, 2])
    net = Network(
        Dense(4, 5),
        BatchNorm(5),
        Activate("tanh"),
        Residual(RMSNorm(5), Dense(5, 5), scale=0.5),
        Dense(5, 3),
        head="multiclass",
    )
    assert net.loss_and_gradients(ROWS, y) == pytest.approx(net.loss(ROWS, y, training=True))
    for gradient, array in zip([g.copy() for g in net.gradients], net.arrays, strict=True):
        slope = differences(lambda: net.loss(ROWS, y, training=True), array)
        np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_without_additions_it_is_mlp(activation):
    y = np.array([0, 1, 1, 0, 1, 0])
    plain = MLP([4, 6, 6, 1], activation, rng=3)
    net = mlp([4, 6, 6, 1], activation, rng=3)
    for one, other in zip(plain.arrays, net.arrays, strict=True):
        np.testing.assert_array_equal(one, other)
    net.fit(ROWS, y, epochs=3, batch_size=6, optimizer=SGD(0.5, 0.9))
    plain.fit(ROWS, y, epochs=3, batch_size=6, learning_rate=0.5, momentum=0.9)
    for one, other in zip(plain.arrays, net.arrays, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9, atol=1e-12)
    assert net.accuracy(ROWS, y) == plain.accuracy(ROWS, y)


@pytest.mark.parametrize("normalization", ["batch", "layer", "rms"])
def test_the_built_network_has_what_was_asked_for(normalization):
    net = mlp([4, 6, 6, 3], normalization=normalization, shortcut=True, head="multiclass")
    kinds = [type(block).__name__ for block in net.blocks]
    norm = blocks._NORMALIZATIONS[normalization].__name__
    assert kinds == ["Dense", norm, "Activate", "Residual", "Dense"]
    assert [type(one).__name__ for one in net.blocks[3].branch.blocks] == [
        "Dense",
        norm,
        "Activate",
    ]
    net.fit(ROWS, [0, 1, 2, 0, 1, 2], epochs=200, optimizer=Adam(0.01))
    assert net.accuracy(ROWS, [0, 1, 2, 0, 1, 2]) == 1.0


def test_a_shortcut_is_the_identity_plus_the_branchs_jacobian():
    w = RNG.standard_normal((4, 4))
    block = Residual(Dense(4, 4, lambda shape, rng: w, use_bias=False))
    up = RNG.standard_normal((6, 4))
    np.testing.assert_allclose(block.forward(ROWS), ROWS @ (np.eye(4) + w))
    np.testing.assert_allclose(block.backward(up), up @ (np.eye(4) + w).T)


def test_a_normalised_layer_does_not_feel_its_weights_scale():
    """So that its gradient is orthogonal to its weights, and falls as their scale grows."""
    for norm in (BatchNorm, LayerNorm):
        seen = {}
        for scale in (1.0, 10.0):
            dense = Dense(4, 5, rng=4)
            dense.arrays[0] *= scale
            net = Sequential(dense, norm(5, epsilon=0.0))
            seen[scale] = net.forward(ROWS, training=True)
            net.backward(np.cos(np.arange(30.0)).reshape(6, 5))
            gradient = net.gradients[0]
            seen[scale, "norm"] = np.linalg.norm(gradient)
            if norm is LayerNorm:
                assert abs((gradient * dense.arrays[0]).sum()) < 1e-9
            else:
                np.testing.assert_allclose((gradient * dense.arrays[0]).sum(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(seen[1.0], seen[10.0], rtol=1e-9)
        assert seen[1.0, "norm"] == pytest.approx(10 * seen[10.0, "norm"])


@pytest.fixture
def keras():
    return pytest.importorskip("keras", reason="the oracle is Keras")


def test_batch_normalisation_is_kerass(shaken, keras):
    import tensorflow as tf

    own, layer = shaken(BatchNorm(4)), keras.layers.BatchNormalization(dtype="float64")
    layer.build((None, 4))
    layer.gamma.assign(own.arrays[0])
    layer.beta.assign(own.arrays[1])
    up = RNG.standard_normal((6, 4))
    for training in (True, True, False):
        with tf.GradientTape() as tape:
            inputs = tf.constant(ROWS)
            tape.watch(inputs)
            theirs = layer(inputs, training=training)
        slopes = tape.gradient(theirs, [inputs, *layer.trainable_weights], tf.constant(up))
        np.testing.assert_allclose(own.forward(ROWS, training), theirs.numpy(), rtol=1e-6)
        found = [own.backward(up), *own.gradients]
        for mine, other in zip(found, slopes, strict=True):
            np.testing.assert_allclose(mine, other.numpy(), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(own.moving_mean, layer.moving_mean.numpy(), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(own.moving_variance, layer.moving_variance.numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    ("kind", "name"), [(LayerNorm, "LayerNormalization"), (RMSNorm, "RMSNormalization")]
)
def test_layer_normalisations_are_kerass(shaken, keras, kind, name):
    import tensorflow as tf

    own, layer = shaken(kind(4)), getattr(keras.layers, name)(dtype="float64")
    layer.build((None, 5, 4))
    for mine, theirs in zip(own.arrays, layer.trainable_weights, strict=True):
        theirs.assign(mine)
    up = RNG.standard_normal((3, 5, 4))
    with tf.GradientTape() as tape:
        inputs = tf.constant(PLACES)
        tape.watch(inputs)
        theirs = layer(inputs)
    slopes = tape.gradient(theirs, [inputs, *layer.trainable_weights], tf.constant(up))
    np.testing.assert_allclose(own.forward(PLACES), theirs.numpy(), rtol=1e-6)
    for mine, other in zip([own.backward(up), *own.gradients], slopes, strict=True):
        np.testing.assert_allclose(mine, other.numpy(), rtol=1e-5, atol=1e-7)


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="nox -s torch")


def test_normalisations_are_torchs(shaken, torch):
    batch = torch.nn.BatchNorm1d(4, eps=1e-3, momentum=0.01, dtype=torch.float64)
    layer = torch.nn.LayerNorm(4, eps=1e-3, dtype=torch.float64)
    rms = torch.nn.RMSNorm(4, eps=1e-6, dtype=torch.float64)
    for own, theirs in ((BatchNorm(4), batch), (LayerNorm(4), layer), (RMSNorm(4), rms)):
        shaken(own)
        for mine, other in zip(own.arrays, theirs.parameters(), strict=True):
            other.data = torch.tensor(mine)
        x = torch.tensor(ROWS, requires_grad=True)
        y = theirs(x)
        up = RNG.standard_normal((6, 4))
        y.backward(torch.tensor(up))
        np.testing.assert_allclose(own.forward(ROWS, True), y.detach().numpy(), rtol=1e-9)
        slopes = [x.grad, *[p.grad for p in theirs.parameters()]]
        for mine, other in zip([own.backward(up), *own.gradients], slopes, strict=True):
            np.testing.assert_allclose(mine, other.numpy(), rtol=1e-8, atol=1e-10)
    own = BatchNorm(4)
    own.forward(ROWS, True)
    np.testing.assert_allclose(own.moving_mean, batch.running_mean.numpy(), rtol=1e-9)
    unbiased = 0.99 + 0.01 * ROWS.var(axis=0, ddof=1)
    np.testing.assert_allclose(batch.running_var.numpy(), unbiased, rtol=1e-9)


def test_running_averages_come_to_the_datas():
    norm = BatchNorm(4, momentum=0.9)
    for _ in range(200):
        norm.forward(3 + 2 * ROWS, training=True)
    np.testing.assert_allclose(norm.moving_mean, 3 + 2 * ROWS.mean(axis=0), rtol=1e-6)
    np.testing.assert_allclose(norm.moving_variance, 4 * ROWS.var(axis=0), rtol=1e-6)
    both = norm.forward(3 + 2 * ROWS, training=True), norm.forward(3 + 2 * ROWS)
    np.testing.assert_allclose(*both, rtol=1e-5, atol=1e-6)


def test_a_batch_of_one_gives_the_shift_alone(shaken):
    norm = shaken(BatchNorm(4))
    out = norm.forward(ROWS[:1], training=True)
    np.testing.assert_array_equal(out[0], norm.arrays[1])
    np.testing.assert_allclose(norm.backward(np.ones((1, 4))), 0, atol=1e-12)


@pytest.mark.parametrize("kind", [BatchNorm, LayerNorm, RMSNorm])
@pytest.mark.parametrize(
    ("dtype", "size"),
    [
        *[("float16", size) for size in (1e-4, 1.0, 1e4)],
        *[("float32", size) for size in (1e-30, 1e-4, 1.0, 1e4, 1e30)],
        *[("float64", size) for size in (1e-300, 1e-30, 1e-4, 1.0, 1e4, 1e30, 1e300)],
    ],
)
def test_any_size_of_the_input_is_normalised(kind, dtype, size):
    x = (ROWS * size).astype(dtype)
    assert np.isfinite(x).all() and (x != 0).all()
    norm = kind(4, epsilon=0.0, dtype=dtype)
    out = norm.forward(x, training=True)
    assert out.dtype == dtype
    squares = np.mean(out.astype(float) ** 2, axis=0 if kind is BatchNorm else -1)
    if size >= 1e-15:
        np.testing.assert_allclose(squares, 1, rtol=2e-2)
        assert np.isfinite(norm.backward(np.ones_like(out))).all()
    assert np.isfinite(out).all()


@pytest.mark.parametrize("kind", [BatchNorm, LayerNorm, RMSNorm])
def test_one_huge_example_leaves_the_others_alone(kind):
    x = ROWS.copy()
    x[0] = 1e250
    rest = kind(4).forward(x, training=True)[1:]
    if kind is not BatchNorm:
        np.testing.assert_allclose(rest, kind(4).forward(ROWS)[1:])
    assert np.isfinite(rest).all()


@pytest.mark.parametrize("kind", [BatchNorm, LayerNorm])
def test_what_is_constant_is_0_whatever_epsilon(kind):
    for epsilon in (0.0, 1e-3):
        norm = kind(4, epsilon=epsilon)
        np.testing.assert_array_equal(norm.forward(np.full((6, 4), 7.0), training=True), 0)
        assert np.isfinite(norm.backward(ROWS)).all()


@pytest.mark.parametrize("name", MADE)
def test_no_input_warns(name):
    block, x = MADE[name]()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for value in (np.inf, -np.inf, np.nan, 1e308):
            bad = x.copy()
            bad[0] = value
            block.backward(np.ones_like(block.forward(bad, training=True)))


def test_no_examples_are_no_examples():
    for block, x in (made() for made in MADE.values()):
        empty = x[:0]
        if isinstance(block, BatchNorm):
            with pytest.raises(ValueError, match="x must hold at least one example"):
                block.forward(empty, training=True)
        assert block.forward(empty).shape[0] == 0


def test_a_network_that_diverges_stops():
    net = Network(Dense(4, 1, rng=1), head="regression")
    history = net.fit(ROWS * 1e3, ROWS[:, 0], epochs=500, optimizer=SGD(1e3))
    assert history.diverged and not np.isfinite(history.loss[-1])


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: Dense(0, 3), "inputs must be a whole number of at least 1, got 0"),
        (lambda: Dense(4, 2.5), "units must be a whole number of at least 1, got 2.5"),
        (lambda: Dense(4, 2, "he"), "he"),
        (lambda: Dense(4, 3).forward(np.zeros((2, 5))), r"shape \(n, ..., 4\), got \(2, 5\)"),
        (lambda: LayerNorm(4).forward(np.zeros(4)), r"shape \(n, ..., 4\), got \(4,\)"),
        (lambda: LayerNorm(4, epsilon=-1), "epsilon must be finite and at least 0, got -1"),
        (lambda: BatchNorm(4, momentum=1), r"momentum must be in \[0, 1\), got 1"),
        (lambda: Residual(Dense(4, 3)).forward(ROWS), r"keep the shape \(6, 4\), got \(6, 3\)"),
        (lambda: mlp([4]), "widths must name inputs and outputs at least"),
        (lambda: mlp([4, 2, 1], normalization="group"), "None or one of batch, layer, rms"),
        (lambda: mlp([4, 2, 1]).fit(ROWS, [1]), "x and y must have as many examples"),
        (lambda: mlp([4, 1], head="regression").accuracy(ROWS, ROWS), "classification head"),
        (
            lambda: Network(Dense(4, 3), head="multiclass").loss(PLACES, [0, 1, 2]),
            r"y must have a label a place, shape \(3, 5\), got \(3,\)",
        ),
    ],
)
def test_what_does_not_fit_is_named(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_an_activation_keeps_its_own_slope():
    block = Activate(activations.get("leaky_relu"))
    block.forward(ROWS)
    np.testing.assert_allclose(
        block.backward(np.ones((6, 4))), np.where(ROWS > 0, 1, 0.01), atol=0.3
    )
