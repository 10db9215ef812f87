"""The network against finite differences, and against Keras with the same weights."""

from __future__ import annotations

import copy
import dataclasses
import sys

import numpy as np
import pytest

from livegrad import activations, initializers, outputs
from livegrad import network as network_module
from livegrad.network import MLP
from livegrad.optimizers import Adam

N = 12
UNITS = {"binary": 1, "multiclass": 3, "multilabel": 3, "regression": 2, "count": 2}


@pytest.fixture(scope="module")
def tf(request):
    pytest.importorskip("keras", reason="the oracle is Keras")
    import tensorflow

    return tensorflow


@pytest.fixture(scope="module")
def keras(tf):
    import keras

    return keras


def data(head="binary", n=N, seed=1):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 4))
    y = {
        "binary": rng.integers(0, 2, n),
        "multiclass": rng.integers(0, 3, n),
        "multilabel": rng.integers(0, 2, (n, 3)),
        "regression": rng.standard_normal((n, 2)),
        "count": rng.poisson(2.0, (n, 2)),
    }[head]
    return x, y


def network(head="binary", activation="tanh", **options):
    net = MLP([4, 5, 6, UNITS[head]], activation, head=head, rng=3, **options)
    rng = np.random.default_rng(4)
    for bias in net.biases:  # zeros would hide a forgotten bias
        bias += 0.1 * rng.standard_normal(bias.shape)
    return net


def check_every_gradient(differences, net, x, y, training=False):
    before = copy.deepcopy(net.rng)

    def loss():
        net.rng = copy.deepcopy(before)  # the same masks each time
        return net.head.loss_value(net.forward(x, training).logits, y)

    net.rng = copy.deepcopy(before)
    gradients = net.backward(net.forward(x, training), y)
    for layer in range(net.depth + 1):
        for found, array in [
            (gradients.weights[layer], net.weights[layer]),
            (gradients.biases[layer], net.biases[layer]),
        ]:
            np.testing.assert_allclose(found, differences(loss, array), rtol=1e-5, atol=1e-8)
    np.testing.assert_allclose(gradients.x, differences(loss, x), rtol=1e-5, atol=1e-8)
    assert gradients.loss == pytest.approx(loss(), rel=1e-14)
    return gradients


@pytest.mark.parametrize("head", UNITS)
def test_gradients_of_every_head(differences, head):
    check_every_gradient(differences, network(head), *data(head))


@pytest.mark.parametrize("activation", activations.NAMES)
def test_gradients_of_every_activation(differences, activation):
    check_every_gradient(differences, network("multiclass", activation), *data("multiclass"))


def test_gradients_through_dropout(differences):
    net = network(activation="softplus", dropout=0.4)
    check_every_gradient(differences, net, *data(), training=True)
    trace = net.forward(data()[0], training=True)
    assert trace.keep == 0.6
    for mask, a in zip(trace.masks, trace.a, strict=True):
        assert set(np.unique(mask)) == {0.0, 1.0}
        assert (a[mask == 0] == 0).all()


def test_gradients_of_the_signals_inside(differences):
    """dL/dz and dL/da, by moving the bias of one example's layer at a time."""
    net = network("regression")
    x, y = data("regression", n=1)
    gradients = net.backward(net.forward(x), y)
    for layer in range(net.depth + 1):
        slopes = differences(lambda: net.loss(x, y), net.biases[layer])
        np.testing.assert_allclose(gradients.z[layer][0], slopes, rtol=1e-5, atol=1e-8)
    z, a = net.forward(x).z, gradients.a
    for layer in range(net.depth):
        slope = net.activation.derivative(z[layer])
        np.testing.assert_allclose(a[layer] * slope, gradients.z[layer], rtol=1e-12)
    norms = [np.sqrt((weight**2).sum()) for weight in gradients.weights]
    np.testing.assert_allclose(gradients.norms(), norms, rtol=1e-12)


def test_no_hidden_layer_is_logistic_regression(differences):
    net = MLP([4, 1], rng=0)
    assert net.depth == 0
    gradients = check_every_gradient(differences, net, *data())
    assert gradients.a == []


def keras_twin(keras, net):
    kind = {"dtype": net.dtype.name}
    names = [*[net.activation.name] * net.depth, net.head.activation]
    layers = [
        keras.layers.Dense(units, activation=name, **kind)
        for units, name in zip(net.widths[1:], names, strict=True)
    ]
    model = keras.Sequential([keras.Input((net.widths[0],), **kind), *layers])
    model.set_weights(net.get_weights())
    return model


# Keras takes its losses from the probabilities here, clipped at 1e-7, and in float16 each step
# of both programs is rounded.
CLOSE = {
    np.float64: {"rtol": 1e-5, "atol": 1e-6},
    np.float32: {"rtol": 2e-3, "atol": 1e-5},
    np.float16: {"rtol": 5e-2, "atol": 5e-3},
}


@pytest.mark.parametrize("dtype", CLOSE)
@pytest.mark.parametrize("head", UNITS)
def test_same_gradients_as_keras(tf, keras, head, dtype):
    net = network(head, "gelu", dtype=dtype)
    x, y = data(head)
    x = x.astype(dtype)
    model = keras_twin(keras, net)
    labels = (y[:, None] if head in ("binary", "multiclass") else y).astype(dtype)
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.get(net.head.loss)(labels, model(x)))
    expected = tape.gradient(loss, model.trainable_variables)
    gradients = net.backward(net.forward(x), y)
    found = [g for pair in zip(gradients.weights, gradients.biases, strict=True) for g in pair]
    assert gradients.loss == pytest.approx(float(loss), rel=CLOSE[dtype]["rtol"])
    for mine, theirs in zip(found, expected, strict=True):
        assert mine.dtype == theirs.dtype == dtype
        np.testing.assert_allclose(mine.astype(float), theirs.numpy().astype(float), **CLOSE[dtype])
    np.testing.assert_allclose(net.predict(x), model(x).numpy(), **CLOSE[dtype])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"momentum": 0.9},
        {"momentum": 0.9, "clipnorm": 0.05},
        {"momentum": 0.5, "global_clipnorm": 0.05},
        {"clipvalue": 0.01},
    ],
    ids=lambda options: "-".join(options) or "plain",
)
def test_fit_takes_the_steps_of_keras(keras, options):
    net = network("multiclass", dtype=np.float32)
    x, y = data("multiclass")
    model = keras_twin(keras, net)
    model.compile(keras.optimizers.SGD(0.3, **options), net.head.loss)
    theirs = model.fit(x, y, batch_size=N, epochs=6, shuffle=False, verbose=0).history["loss"]
    start = net.get_weights()
    mine = net.fit(x, y, epochs=6, learning_rate=0.3, batch_size=N, **options)
    np.testing.assert_allclose(mine.loss, theirs, rtol=1e-4)
    for old, new, other in zip(start, net.get_weights(), model.get_weights(), strict=True):
        assert new.dtype == np.float32
        np.testing.assert_allclose(new - old, other - old, rtol=1e-2, atol=1e-5)


def test_clipping_bites_as_each_rule_says():
    x, y = data()
    at_start = network().backward(network().forward(x), y)
    gradients = at_start.arrays
    total = np.sqrt(sum((g**2).sum() for g in gradients))
    for name, rule in {
        "clipvalue": lambda g: np.clip(g, -0.01, 0.01),
        "clipnorm": lambda g: g * min(1, 0.01 / np.sqrt((g**2).sum())),
        "global_clipnorm": lambda g: g * min(1, 0.01 / total),
    }.items():
        net = network()
        before = net.get_weights()
        net.fit(x, y, epochs=1, learning_rate=1.0, batch_size=N, **{name: 0.01})
        for old, new, g in zip(before, net.get_weights(), gradients, strict=True):
            np.testing.assert_allclose(old - new, rule(g), rtol=1e-9, atol=1e-15)


def test_clipping_an_infinite_gradient_does_not_warn():
    net = MLP([1, 1], "linear", lambda shape, rng: np.full(shape, 1e-70), head="regression")
    history = net.fit([[1e220]], [[0.0]], epochs=2, clipnorm=1.0)  # the loss itself is finite
    assert history.loss[0] == pytest.approx(1e300) and history.diverged


def test_fit_takes_any_optimizer_and_only_its_own_rate():
    x, y = data()
    net, twin = network(), network()
    net.fit(x, y, epochs=2, batch_size=N, optimizer=Adam(0.01))
    adam = Adam(0.01)
    for _ in range(2):
        adam.step(twin.arrays, twin.backward(twin.forward(x), y).arrays)
    for one, other in zip(net.arrays, twin.arrays, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-9)
    for name, value in {"learning_rate": 0.2, "momentum": 0.5, "clipnorm": 1.0}.items():
        with pytest.raises(ValueError, match="optimizer has its own rate"):
            net.fit(x, y, optimizer=Adam(), **{name: value})


def test_batches_are_weighted_by_their_size():
    """With a step too small to matter, the epoch's loss is the loss of all the data."""
    net = network()
    x, y = data()
    history = net.fit(x, y, epochs=1, learning_rate=1e-13, batch_size=5, validation=(x, y))
    assert history.loss[0] == pytest.approx(net.loss(x, y), rel=1e-9)
    assert history.val_loss[0] == pytest.approx(history.loss[0], rel=1e-9)


def test_fit_drops_units_while_it_trains():
    net, twin = network(dropout=0.5), network(dropout=0.5)
    x, y = data()
    order = twin.rng.permutation(N)  # what fit draws first; then the masks
    trace = twin.forward(x[order], training=True)
    loss = net.fit(x, y, epochs=1, batch_size=N).loss[0]
    assert loss == twin.head.loss_value(trace.logits, y[order])
    assert loss != pytest.approx(twin.loss(x, y), rel=1e-6)


def test_fit_learns_and_repeats():
    x, y = data(n=100)
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    runs = []
    for _ in range(2):
        net = MLP([4, 32, 1], "relu", dropout=0.1, rng=5)
        history = net.fit(x, y, epochs=60, learning_rate=0.3, momentum=0.5)
        runs.append(history.loss)
        assert net.accuracy(x, y) > 0.9
    assert runs[0] == runs[1]
    assert len(history.loss) == 60
    assert history.val_loss == []
    assert not history.diverged


def test_divergence_ends_the_fit_without_a_warning():
    x, y = data("regression")
    net = MLP([4, 5, 6, 2], "relu", head="regression", rng=0)
    history = net.fit(x, y, epochs=200, learning_rate=1e4, batch_size=4, validation=(x, y))
    assert history.diverged
    assert len(history.loss) == len(history.val_loss) < 200
    assert np.isfinite(history.loss[:-1]).all()
    assert not np.isfinite(history.loss[-1])


def test_no_step_is_taken_after_a_loss_that_is_not_finite():
    x, y = data()
    x[3, 2] = np.nan
    net = network()
    before = net.get_weights()
    assert net.fit(x, y, batch_size=N).diverged
    for old, new in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_type_is_kept(dtype):
    x, y = data()
    net = network(dtype=dtype, dropout=0.3)
    trace = net.forward(x, training=True)
    gradients = net.backward(trace, y)
    kept = [*trace.z, *trace.a, *trace.masks, *gradients.weights, *gradients.z, gradients.x]
    net.fit(x, y, epochs=2, momentum=0.9, learning_rate=np.float64(0.1), global_clipnorm=1.0)
    for array in [*kept, *net.arrays, net(x), net.predict(x)]:
        assert array.dtype == dtype


def test_values_beyond_the_type_become_infinite_silently():
    x, _ = data()
    net = network(dtype=np.float32)
    assert np.isinf(net.forward(x * 1e300).x).any()
    assert not np.isfinite(MLP([4, 2], head="regression").loss(x * 1e200, np.ones((N, 2))))
    net.set_weights([array.astype(float) * 1e300 for array in net.get_weights()])
    assert np.isinf(net.weights[0]).any()


def test_inference_drops_nothing_and_draws_nothing():
    x, _ = data()
    net = network(dropout=0.5)
    state = copy.deepcopy(net.rng.bit_generator.state)
    np.testing.assert_array_equal(net(x), network()(x))
    assert net.rng.bit_generator.state == state


def test_inputs_that_have_the_networks_type_are_not_copied():
    x = data()[0].astype(np.float32)
    assert np.shares_memory(network(dtype="float32").forward(x).x, x)
    assert not np.shares_memory(network().forward(x).x, x)


def test_arrays_that_no_longer_fit_together_are_refused():
    x, y = data()
    net = network()
    net.biases.pop()
    with pytest.raises(ValueError, match="shorter"):
        net(x)
    # A layer more than the widths name.
    net = network()
    net.weights.append(np.ones((6, 1)))
    net.biases.append(np.zeros(1))
    with pytest.raises(ValueError, match="gradients must have the arrays' shapes"):
        net.fit(x, y)


def test_weights_go_out_and_in_in_the_order_of_keras():
    net = network()
    arrays = net.get_weights()
    assert [array.shape for array in arrays] == [(4, 5), (5,), (5, 6), (6,), (6, 1), (1,)]
    arrays[0] += 1
    assert not np.array_equal(arrays[0], net.weights[0])
    net.set_weights(arrays)
    np.testing.assert_array_equal(arrays[0], net.weights[0])
    with pytest.raises(ValueError, match="must be 6 in number, got 1"):
        net.set_weights(arrays[:1])
    with pytest.raises(ValueError, match=r"arrays\[1\] must have the shape \(5,\), got \(4,\)"):
        net.set_weights([arrays[0], np.zeros(4), *arrays[2:]])


def test_initializer_may_be_a_function_or_the_pairing():
    assert MLP([2, 2, 1], "selu").initializer is initializers.lecun_normal
    shared = np.ones((3, 3))
    net = MLP([3, 3, 3], head="multiclass", initializer=lambda shape, rng: shared)
    net.weights[0] += 1
    assert (shared == 1).all()
    assert (net.weights[1] == 1).all()


def test_accuracy():
    net = MLP([2, 2], head="multiclass", initializer=lambda shape, rng: np.eye(2))
    assert net.accuracy([[1, 0], [0, 1], [3, 2], [1, 2]], [0, 1, 0, 0]) == 0.75
    labels = MLP([2, 2], head="multilabel", initializer=lambda shape, rng: np.eye(2))
    assert labels.accuracy([[1, -1], [1, 1]], [[1, 0], [0, 1]]) == 0.75
    # A share as a label: one half is no more than one half, on either side.
    shares = dataclasses.replace(outputs.head("regression"), activation="sigmoid")
    net = MLP([2, 2], head=shares, initializer=lambda shape, rng: np.eye(2))
    assert net.accuracy([[0, 1], [0, -1]], [[0.5, 0.6], [0.6, 0.5]]) == 0.75
    with pytest.raises(ValueError, match="accuracy needs a classification head, got 'count'"):
        network("count").accuracy(*data("count"))


class Bar:
    shown: tuple[object, ...] = ()

    def __init__(self, iterable, **options):
        Bar.shown = (len(iterable), options["unit"])
        self.iterable = iterable

    def __iter__(self):
        return iter(self.iterable)


@pytest.mark.parametrize(
    ("progress", "terminal", "epochs", "expected"),
    [(True, False, 2, (2, "epoch")), (False, True, 2000, ()), (None, True, 2, ()),
     (None, True, 2000, (2000, "epoch")), (None, False, 2000, ())],
)  # fmt: skip
def test_progress(monkeypatch, progress, terminal, epochs, expected):
    import tqdm

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    Bar.shown = ()
    MLP([4, 1]).fit(*data(), epochs=epochs, batch_size=N, progress=progress)
    assert Bar.shown == expected


@pytest.mark.parametrize(("epochs", "shown"), [(9, ()), (10, (10, "epoch"))])
def test_a_long_fit_is_one_of_many_updates(monkeypatch, epochs, shown):
    import tqdm

    monkeypatch.setattr(network_module, "_LONG_FIT", 20)
    monkeypatch.setattr(tqdm, "tqdm", Bar)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    Bar.shown = ()
    # Two batches an epoch, the second of one example.
    MLP([4, 1]).fit(*data(), epochs=epochs, batch_size=N - 1)
    assert Bar.shown == shown


def test_what_is_not_said_is_ten_epochs_of_batches_of_32_at_a_tenth():
    x, y = data(n=40)
    short, long = network(), network()
    said = {"epochs": 10, "learning_rate": 0.1, "momentum": 0.0, "batch_size": 32}
    assert short.fit(x, y) == long.fit(x, y, **said)
    for one, other in zip(short.get_weights(), long.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"widths": [3]}, ValueError, "inputs and outputs at least, got"),
        ({"widths": [3, 0, 1]}, ValueError, "at least 1, got 0 in"),
        ({"widths": [3, 2.0, 1]}, ValueError, "whole numbers of at least 1, got 2.0"),
        ({"widths": [3, 2]}, ValueError, "units must be 1 for the binary head, got 2"),
        ({"activation": "foo"}, ValueError, "unknown activation 'foo'; known: linear"),
        ({"initializer": "foo"}, ValueError, "unknown initializer 'foo'; known: zeros"),
        ({"initializer": 7}, TypeError, "initializer must be a name or a function, got 7"),
        ({"initializer": lambda s, r: np.ones(2)}, ValueError, "initializer must return"),
        ({"head": "foo"}, ValueError, "unknown task 'foo'; known: binary"),
        ({"dropout": 1.0}, ValueError, r"dropout must be in \[0, 1\), got 1.0"),
        ({"dropout": True}, ValueError, r"dropout must be in \[0, 1\), got True"),
        ({"rng": None}, TypeError, "rng must be a numpy.random.Generator or an int"),
        ({"dtype": int}, TypeError, "dtype must be a floating type"),
    ],
)
def test_construction_errors(options, error, message):
    with pytest.raises(error, match=message):
        MLP(**{"widths": [3, 2, 1], **options})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be a whole number of at least 1, got 0"),
        ({"batch_size": 2.5}, "batch_size must be a whole number of at least 1, got 2.5"),
        ({"learning_rate": 0}, "learning_rate must be finite and above 0, got 0"),
        ({"learning_rate": np.inf}, "learning_rate must be finite and above 0, got inf"),
        ({"momentum": 1.0}, r"momentum must be in \[0, 1\), got 1.0"),
        ({"clipnorm": 0.0}, "clipnorm must be above 0, got 0.0"),
        ({"clipnorm": 1.0, "clipvalue": 1.0}, "at most one way of clipping"),
    ],
)
def test_fit_errors(options, message):
    with pytest.raises(ValueError, match=message):
        network().fit(*data(), **options)


def test_data_errors_name_both_shapes():
    net = network()
    x, y = data()
    with pytest.raises(ValueError, match=r"shape \(n, 4\), got \(12, 3\)"):
        net(x[:, :3])
    with pytest.raises(ValueError, match=r"shape \(n, 4\), got \(4,\)"):
        net(x[0])
    with pytest.raises(ValueError, match=r"at least one example, got the shape \(0, 4\)"):
        net(x[:0])
    with pytest.raises(TypeError, match="x must hold real numbers, got dtype complex128"):
        net(x + 1j)
    for use in (net.fit, net.accuracy):
        with pytest.raises(ValueError, match=r"got shapes \(12, 4\) and \(1,\)"):
            use(x, y[:1])
    with pytest.raises(ValueError, match=r"got shapes \(3,\) and \(12, 1\)"):
        net.backward(net.forward(x), y[:3])
    with pytest.raises(ValueError, match="y must hold 0 or 1"):
        net.loss(x, y + 1)
