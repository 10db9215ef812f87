"""What the site once said wrongly, what is so, and a check of each.

A check computes what the correction says and returns it in words. It raises a ValueError where the
correction does not hold, so that the page of errata cannot be built from a wrong one.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from livegrad import MLP, activations, initializers, measure
from livegrad._checks import Array
from livegrad.dropout import dropout
from livegrad_lab.panel import examples, loaded

__all__ = ["ERRATA", "Erratum", "listing"]


@dataclass(frozen=True)
class Erratum:
    """One wrong statement, corrected.

    Attributes:
        code: its name, unique.
        page: where it stood, below docs/ and without the ending, with an anchor if there is one;
            a notebook with its ending.
        said: what stood there.
        right: what is so.
        since: the day of the correction, as 2026-11-26.
        check: returns what it found in words; raises ValueError if the correction does not hold.
    """

    code: str
    page: str
    said: str
    right: str
    since: str
    check: Callable[[], str]

    @property
    def topic(self) -> str:
        """The folder of its page."""
        return self.page.partition("/")[0]


def listing(topic: str) -> str:
    """Return the errata of one topic as a list in Markdown, each with what its check found.

    Raises:
        ValueError: if a correction does not hold, or the topic has none.
    """
    own = [erratum for erratum in ERRATA if erratum.topic == topic]
    if not own:
        raise ValueError(f"topic must be one of {sorted({e.topic for e in ERRATA})}, got {topic!r}")
    parts = []
    for erratum in own:
        name, _, anchor = erratum.page.partition("#")
        link = f"../{name}" + ("" if name.endswith(".py") else ".md")
        link += f"#{anchor}" if anchor else ""
        parts.append(
            f"- On [{name.removesuffix('.py')}]({link}), until {erratum.since}:\n\n"
            f"    > {erratum.said}\n\n"
            f"    {erratum.right}\n\n"
            f"    *Checked in this build:* {erratum.check()}.\n"
        )
    return "\n".join(parts)


def _found(text: str, holds: object) -> str:
    if not holds:
        raise ValueError(f"the correction does not hold: {text}")
    return text


def _features(n: int = 256, features: int = 20) -> tuple[Array, Array]:
    x = np.random.default_rng(0).standard_normal((n, features))  # (n, features)
    return x, (x[:, 0] > 0).astype(int)


def _times(factor: float, rule: Callable[..., Array]) -> Callable[..., Array]:
    return lambda shape, rng: factor * rule(shape, rng)


def _digits() -> tuple[Array, Array]:
    """Return as many images as the pages had, all of them trained on."""
    x, y = (np.concatenate(part)[:800] for part in zip(*examples("digits", 0), strict=True))
    return x, y


def _formula() -> str:
    x, y = _features(6, 5)
    net = MLP([5, 5, 5, 5, 1], "tanh", rng=0)  # one width, so that the wrong product has a value
    net.weights[-1] = net.weights[-1][:, :1]
    trace = net.forward(x)
    gradients = net.backward(trace, y)
    right, wrong = gradients.z[-1] @ net.weights[3].T, gradients.z[-1]
    for layer in (2, 1, 0):
        if layer < 2:
            right = right @ net.weights[layer + 1].T
        right = right * net.activation.derivative(trace.z[layer])
        wrong = (wrong if layer < 2 else np.repeat(wrong, 5, axis=1)) @ net.weights[layer].T
        wrong = wrong * net.activation.derivative(trace.z[layer])
    goal = gradients.weights[0]  # (5, 5)
    errors = [np.linalg.norm(x.T @ delta - goal) / np.linalg.norm(goal) for delta in (right, wrong)]
    return _found(
        f"multiplied out, the right product is off by {errors[0]:.0e} of its size and the old one "
        f"by {errors[1]:.1f} times it",
        errors[0] < 1e-12 < 0.5 < errors[1],
    )


def _small_first_weights() -> MLP:
    net = MLP([64] + 5 * [64] + [1], "relu", "he_normal", rng=0)
    net.weights[0] /= 1000
    return net


def _first_layer() -> str:
    x, y = _features(features=64)
    plain = measure(MLP([64] + 5 * [64] + [1], "relu", "he_normal", rng=0), x, y)
    small = measure(_small_first_weights(), x, y)
    ratios = [b.gradient_norm / a.gradient_norm for a, b in zip(plain.layers, small.layers)]  # noqa: B905
    return _found(
        f"with a thousandth of the first weights the first layer has {ratios[0]:.1f} times its "
        f"gradient and the others {min(ratios[1:]):.4f} to {max(ratios[1:]):.4f} times theirs: "
        f"`{small.verdict}`",
        0.1 < ratios[0] < 10 and max(ratios[1:]) < 0.002 and small.verdict == "vanishing-signal",
    )


def _gradient_and_signal() -> str:
    x, y = _features(features=64)
    net = MLP([64] + 30 * [64] + [1], "relu", _times(0.5, initializers.he_normal), rng=0)
    report = measure(net, x, y)
    ratio = report.layers[0].gradient_norm / report.layers[-2].gradient_norm
    return _found(
        f"thirty ReLU layers with half of He's weights: the first layer's weight gradient is "
        f"{ratio:.2f} times the last hidden layer's, and the gradient's product is "
        f"{report.gain:.0e}",
        0.1 < ratio < 10 and report.gain < 1e-6,
    )


def _one_path() -> str:
    weights = np.linspace(0, 200, 200_001)
    slope = activations.sigmoid.derivative
    largest = {state: float((weights * slope(weights * state)).max()) for state in (0.1, 0.5)}
    top = largest[0.1] * 0.1
    return _found(
        f"the largest factor over all weights is {largest[0.1]:.2f} at the state 0.1 and "
        f"{largest[0.5]:.2f} at 0.5, which is {top:.3f} over the state",
        largest[0.1] > 1 > largest[0.5] and math.isclose(largest[0.5], top / 0.5, rel_tol=1e-4),
    )


def _500() -> str:
    states = np.linspace(0, 1, 100_001)
    factor = 500 * activations.sigmoid.derivative(500 * states)
    return _found(
        f"with the weight 500 the factor is up to {factor.max():.0f}, and above 1 for "
        f"{np.mean(factor > 1):.1%} of the states from 0 to 1",
        factor.max() > 124 and 0.001 < np.mean(factor > 1) < 0.02,
    )


def _large_rates() -> str:
    x, y = _features()
    losses = []
    for rate in (3.0, 10.0, 30.0):
        net = MLP([20] + 10 * [30] + [1], "sigmoid", rng=0)
        losses.append(net.fit(x, y, epochs=10, learning_rate=rate))
    said = ", ".join(f"{history.loss[-1]:.1f}" for history in losses)
    return _found(
        f"ten sigmoid layers at the rates 3, 10 and 30 end with the losses {said}; none diverged",
        not any(history.diverged for history in losses),
    )


def _one_number() -> str:
    x, y = _features()
    net = MLP([20] + 10 * [30] + [1], "sigmoid", rng=0)
    net.fit(x, y, epochs=100, learning_rate=0.1, batch_size=len(x))
    p = net.predict(x)
    return _found(
        f"after 100 steps the predictions lie within {np.ptp(p):.0e} of each other, around "
        f"{p.mean():.3f}; the share of the class is {y.mean():.3f}",
        np.ptp(p) < 1e-5 and abs(p.mean() - y.mean()) < 0.01,
    )


def _four_sigmoid_layers() -> str:
    x, y = _digits()
    ends = {}
    for factor in (1, 4):
        rule = _times(factor, initializers.glorot_uniform)
        net = MLP([64] + 4 * [32] + [10], "sigmoid", rule, "multiclass", rng=0)
        saturated = np.mean([layer.saturated for layer in measure(net, x, y).layers[:-1]])
        net.fit(x, y, epochs=15, learning_rate=1.0)
        ends[factor] = (saturated, net.accuracy(x, y))
    return _found(
        f"of four sigmoid layers with four times Glorot's weights {ends[4][0]:.0%} are saturated, "
        f"and 15 epochs train them to {ends[4][1]:.2f}; from Glorot's own weights, to "
        f"{ends[1][1]:.2f}",
        ends[4][0] < 0.2 and ends[4][1] > 0.8 > 0.5 > ends[1][1],
    )


def _same_pass() -> str:
    x, _ = _features()
    orders = {"together": 0, "the loss first": 0, "the gradient first": 0}
    for scale, rate in itertools.product((1.0, 3.0, 10.0), (0.01, 1.0, 100.0)):
        rule = _times(scale, initializers.he_normal)
        net = MLP([20] + 20 * [32] + [1], "relu", rule, "regression", rng=0, dtype="float32")
        for _ in range(20):
            gradients = net.backward(net.forward(x), x[:, :1])
            loss = math.isfinite(gradients.loss)
            gradient = all(np.isfinite(one).all() for one in gradients.weights)
            if not (loss and gradient):
                both = not (loss or gradient)
                order = "together" if both else "the gradient first" if loss else "the loss first"
                orders[order] += 1
                break
            for weight, step in zip(net.weights, gradients.weights, strict=True):
                weight -= np.float32(rate) * step
    counts = ", ".join(f"{name} in {count}" for name, count in orders.items())
    return _found(
        f"of {sum(orders.values())} networks that overflowed, {counts}",
        orders["together"] >= 5 and orders["the gradient first"] == 0,
    )


def _unclipped() -> str:
    x, y = _features()
    rule = _times(3.0, initializers.he_normal)
    ends = []
    for rate in (0.001, 0.1):
        net = MLP([20] + 5 * [32] + [1], "relu", rule, rng=0)
        history = net.fit(x, y, epochs=60, learning_rate=rate)
        ends.append("diverges" if history.diverged else f"ends at {net.accuracy(x, y):.2f}")
    return _found(
        f"the training accuracy without clipping {ends[0]} at the rate 0.001; at 0.1 the training "
        f"{ends[1]}",
        ends == ["ends at 1.00", "diverges"],
    )


def _bounds() -> str:
    from livegrad_lab.papers.edge import chi, correlation_depth

    correlation, gradient = correlation_depth(4.0, 0.05), 1 / abs(math.log(chi(4.0, 0.05)))
    return _found(
        f"tanh with weights of variance 4 and biases of 0.05 has the depth scale {correlation:.1f} "
        f"for correlations and {gradient:.1f} for the gradient",
        correlation > 1.5 * gradient,
    )


def _forty_tanh_layers() -> str:
    old = []  # the product as the site measured it then
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x, y = rng.standard_normal((256, 64)), rng.integers(0, 2, 256)
        net = MLP([64] + 40 * [64] + [1], "tanh", rng=rng)
        gradients = net.backward(net.forward(x), y)
        old.append(np.linalg.norm(gradients.x) / np.linalg.norm(gradients.a[-1]))
    below = sum(product < math.exp(-3) for product in old)
    return _found(
        f"at 40 layers {below} of 60 products, measured as then, are below e to the -3; the "
        f"smallest is {min(old):.3f}",
        below,
    )


def _saxe() -> str:
    from livegrad_lab.papers.signal import lyapunov_spectrum, singular_values

    exponent = float(lyapunov_spectrum(100)[0])
    theory = [math.exp(depth * exponent) for depth in (5, 20)]
    found = [float(singular_values(depth, 0)[0]) for depth in (5, 20)]
    return _found(
        f"infinite depth says {theory[0]:.2f} and {theory[1]:.2f}, the largest singular values of "
        f"products of 5 and 20 matrices are {found[0]:.1f} and {found[1]:.1f}",
        found[0] > 2 * theory[0] and found[1] > 4 * theory[1],
    )


def _jensen() -> str:
    rng = np.random.default_rng(0)
    a, w = rng.uniform(0, 1, 20), rng.standard_normal((20, 200))
    without = activations.relu(a @ w).mean()
    masked = np.mean([activations.relu(dropout(a, 0.5, rng)[0] @ w).mean() for _ in range(2000)])
    return _found(
        f"at the rate 0.5 the mean behind ReLU is {masked:.2f} over the masks and {without:.2f} "
        "without",
        masked > 1.3 * without,
    )


def _noise() -> str:
    rng = np.random.default_rng(0)
    values = dropout(np.ones(200_000), 0.9, rng)[0]
    return _found(
        f"at the rate 0.9 the noise's variance is {values.var():.1f} times the square of the "
        f"signal, r / (1 - r) = {0.9 / 0.1:.0f}",
        abs(values.var() - 9) < 0.3,
    )


def _two_forms() -> str:
    rng = np.random.default_rng(0)
    a, w, rate = rng.uniform(0, 1, 50), rng.standard_normal(50), 0.5
    kept = rng.random((20_000, 50)) >= rate  # (masks, units)
    first = float(((kept * a) @ w).mean()), float((1 - rate) * (a @ w))
    inverted = float(((kept * a) @ w).mean() / (1 - rate)), float(a @ w)
    return _found(
        f"mean over masks and inference: {first[0]:.1f} and {first[1]:.1f} in the first form, "
        f"{inverted[0]:.1f} and {inverted[1]:.1f} in the inverted one",
        all(abs(one - other) < 0.2 for one, other in (first, inverted)),
    )


def _written_flag() -> str:
    import keras

    inputs = keras.Input((200,))
    model = keras.Model(inputs, keras.layers.Dropout(0.5, seed=0)(inputs, training=False))
    found = np.asarray(model(np.ones((8, 200)), training=True))
    dropped = float(np.mean(found == 0))
    return _found(
        f"in a Keras model called with `training=True` a layer called with `training=False` drops "
        f"{dropped:.1f} of its inputs",
        0.4 < dropped < 0.6,
    )


def _sigmoid_mean() -> str:
    rng = np.random.default_rng(0)
    a, w = rng.uniform(0, 1, 20), rng.standard_normal((20, 200))
    many = np.stack([dropout(a, 0.5, rng)[0] @ w for _ in range(2000)])  # (masks, 200)
    moved = activations.sigmoid(many).mean(axis=0) - activations.sigmoid(a @ w)  # (200,)
    return _found(
        f"at the rate 0.5 the mean over the masks moves by {np.abs(moved).mean():.2f} for a unit "
        f"on average, and by {abs(moved.mean()):.2f} over 200 units together",
        np.abs(moved).mean() > 0.08 and abs(moved.mean()) < 0.02,
    )


def _few_classes() -> str:
    z = np.random.default_rng(0).standard_normal((20_000, 2))
    loss = float(-activations.log_softmax(z)[:, 0].mean())
    without, right = np.log(2) + 1 / 2, np.log(2) + (1 - 1 / 2) / 2
    return _found(
        f"two classes and a spread of 1: the loss is {loss:.2f}, by the formula {right:.2f} with "
        f"the factor and {without:.2f} without",
        abs(loss - right) < 0.06 < 0.2 < without - loss,
    )


def _disagreement() -> str:
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (200, 1))
    y = np.sin(3 * x[:, 0]) + 0.1 * rng.standard_normal(200)
    net = MLP([1, 64, 64, 1], "tanh", head="regression", dropout=0.1, rng=0)
    net.fit(x, y, epochs=100, learning_rate=0.02)
    places = np.array([[0.0], [1.0], [3.0]])
    passes = [net.forward(places, training=True).logits[:, 0] for _ in range(400)]
    middle, edge, outside = np.std(passes, axis=0)
    return _found(
        f"a tanh network, trained on inputs from -1 to 1, spreads over its masks by {middle:.2f} "
        f"at 0, by {edge:.2f} at 1 and by {outside:.2f} at 3",
        edge / middle > 3 > outside / edge,
    )


def _attention() -> str:
    rng = np.random.default_rng(0)
    queries, keys = rng.standard_normal((2, 10_000, 64))
    products = (queries * keys).sum(axis=1)
    return _found(
        f"products of 64 standard normal entries spread by {products.std():.1f}, and over the root "
        f"of 64 by {(products / 8).std():.1f}",
        abs(products.std() - 8) < 0.2,
    )


def _keras_loss(
    from_logits: bool, logit: float, dtype: str | None = None
) -> tuple[float, float, int]:
    """Return loss and gradient of a sigmoid unit with label 0, and the number of warnings."""
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, "sigmoid", dtype=dtype)])
    model.set_weights([np.ones((1, 1)), np.zeros(1)])
    loss_of = keras.losses.BinaryCrossentropy(from_logits=from_logits)
    x = tf.constant([[logit]])  # (1, 1)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = loss_of(tf.zeros((1, 1)), model(x))
        gradient = float(tape.gradient(loss, x).numpy().item())
    return float(loss.numpy()), gradient, len(caught)


def _clipped_probability() -> str:
    loss, gradient, _ = _keras_loss(from_logits=False, logit=40.0)
    return _found(
        f'Keras on TensorFlow, `Dense(1, "sigmoid")`, logit 40, label 0: loss {loss:.1f}, '
        f"gradient {gradient:.1f}",
        abs(loss - 40) < 0.1 and abs(gradient - 1) < 1e-3,
    )


def _mixed_precision() -> str:
    loss, gradient, _ = _keras_loss(from_logits=False, logit=40.0, dtype="mixed_float16")
    return _found(
        f'Keras on TensorFlow, `Dense(1, "sigmoid", dtype="mixed_float16")`, logit 40, label 0: '
        f"loss {loss:.1f}, gradient {gradient:.1f}",
        loss < 20 and gradient == 0,
    )


def _squashed_twice() -> str:
    once, _, _ = _keras_loss(from_logits=False, logit=3.0)
    twice, _, said = _keras_loss(from_logits=True, logit=3.0)
    return _found(
        f"logit 3, label 0: the loss is {once:.2f} without and {twice:.2f} with "
        f"`from_logits=True`, and Keras on TensorFlow warns",
        math.isclose(once, twice, rel_tol=1e-5) and said,
    )


def _softplus() -> str:
    gap = activations.softplus(1.0) - activations.relu(1.0)
    z = np.random.default_rng(0).standard_normal(200_000)
    mean = float(np.mean(activations.softplus(z) - activations.relu(z)))
    return _found(
        f"softplus exceeds ReLU by {float(activations.softplus(0.0)):.2f} at 0, by {gap:.2f} at 1 "
        f"and -1, and by {mean:.2f} on average of a standard normal",
        0.3 < gap < 0.32 and 0.39 < mean < 0.42,
    )


def _symmetry() -> str:
    x, y = _features()

    def equal(shape: tuple[int, int], rng: np.random.Generator) -> Array:
        return np.full(shape, 0.1)

    net = MLP([20, 32, 32, 1], "tanh", equal, dropout=0.5, rng=0)
    net.fit(x[:32], y[:32], epochs=1, batch_size=32)
    different = len(np.unique(net.weights[0], axis=1).T)
    return _found(
        f"after one step with dropout {different} of 32 units of the first layer differ",
        different == 32,
    )


def _decay() -> str:
    x, _ = _features()
    rng = np.random.default_rng(0)
    kernel, bias = rng.standard_normal((20, 8)), np.full(8, -30.0)
    before = np.sign(x @ kernel + bias)
    after = np.sign(x @ (kernel * 0.99**200) + bias * 0.99**200)
    alone = np.sign(x @ (kernel * 0.99**200) + bias * 0.99**400)
    return _found(
        f"decayed alike, {np.mean(before != after):.0%} of the pre-activations change their sign; "
        f"where the bias decays faster, {np.mean(before != alone):.0%}",
        not (before != after).any(),
    )


def _centred() -> str:
    z = np.random.default_rng(0).standard_normal(200_000)
    leaky, relu = float(activations.leaky_relu(z).mean()), float(activations.relu(z).mean())
    return _found(
        f"on a standard normal the mean of leaky ReLU is {leaky:.2f} and ReLU's {relu:.2f}",
        abs(leaky - relu) < 0.01,
    )


def _sigmoid_rate() -> str:
    x, y = loaded("digits")
    x, y = x[:1000] / 16, y[:1000]
    ends = []
    for rate in (0.1, 1.0):
        net = MLP([64, 32, 32, 10], "sigmoid", head="multiclass", rng=0)
        net.fit(x, y, epochs=25, learning_rate=rate)
        ends.append(net.accuracy(x, y))
    return _found(
        f"two sigmoid layers, 25 epochs: training accuracy {ends[0]:.2f} at the rate 0.1 and "
        f"{ends[1]:.2f} at 1",
        ends[1] > 0.9 > ends[0],
    )


def _six_layers() -> str:
    x, y = _digits()
    net = MLP([64] + 6 * [48] + [10], "relu", "fan_in_uniform", "multiclass", rng=0)
    net.fit(x, y, epochs=10, learning_rate=0.05)
    early = net.accuracy(x, y)
    net.fit(x, y, epochs=50, learning_rate=0.05)
    late = net.accuracy(x, y)
    return _found(
        f"six layers are at {early:.2f} after 10 epochs and at {late:.2f} after 60", early < late
    )


def _ten_layers() -> str:
    x, y = _digits()
    net = MLP([64] + 10 * [48] + [10], "relu", "glorot_uniform", "multiclass", rng=0)
    net.fit(x, y, epochs=8, learning_rate=0.03)
    early = net.accuracy(x, y)
    net.fit(x, y, epochs=17, learning_rate=0.03)
    late = net.accuracy(x, y)
    return _found(
        f"ten ReLU layers with Glorot's weights are at {early:.2f} after 8 epochs and at "
        f"{late:.2f} after 25",
        late > 0.9 > early,
    )


def _ten_relu_layers() -> str:
    from livegrad.signals import through_depth

    found = {
        name: through_depth("relu", name, depth=10, width=64, rng=0)
        for name in ("glorot_uniform", "lecun_normal", "he_normal")
    }
    shares = {name: 64 * initializers.get(name).variance((64, 64)) for name in found}
    text = ", ".join(
        f"`{name}` with {shares[name]:.0f} over the fan-in keeps {report.gain:.2g} of the gradient"
        for name, report in found.items()
    )
    return _found(
        f"over ten ReLU layers {text}, and all are called healthy",
        all(report.healthy for report in found.values())
        and shares["glorot_uniform"] == shares["lecun_normal"] == 1
        and shares["he_normal"] == 2,
    )


def _five_tanh_layers() -> str:
    from livegrad.signals import through_depth

    layers = through_depth("tanh", "glorot_uniform", depth=5, width=100, rng=0).layers
    kept = layers[4].spread / layers[0].spread
    return _found(
        f"of the spread of the first of five tanh layers the last has {kept:.2f} with Glorot's "
        "weights, for inputs of size 1",
        0.4 < kept < 0.6,
    )


def _small_batches() -> str:
    from sklearn.datasets import load_digits

    from livegrad.blocks import BatchNorm, mlp
    from livegrad.optimizers import SGD

    x, y = load_digits(return_X_y=True)
    x, judged = x / 16, {}
    for momentum in (0.99, 0.9):
        found = []
        for seed in range(2):
            net = mlp([64, 32, 10], normalization="batch", head="multiclass", rng=seed)
            norm = net.blocks[1]
            assert isinstance(norm, BatchNorm)
            norm.momentum = momentum
            net.fit(x[:200], y[:200], 2, batch_size=8, optimizer=SGD(0.3), rng=seed)
            found.append(net.accuracy(x[200:], y[200:]))
        judged[momentum] = float(np.mean(found))
    return _found(
        f"after two epochs of batches of eight the test accuracy is {judged[0.99]:.2f} with the "
        f"momentum 0.99 and {judged[0.9]:.2f} with 0.9, of networks with the same weights",
        judged[0.9] > judged[0.99] + 0.04,
    )


def _growth_in_a_draw() -> str:
    from livegrad.blocks import Activate, Dense, Residual

    x = np.random.default_rng(0).standard_normal((256, 64))
    draw, h, crossed, own = np.random.default_rng(1), x, [], []
    for _ in range(16):
        first, last = Dense(64, 64, "he_normal", draw), Dense(64, 64, "he_normal", draw)
        y = Residual(first, Activate("relu"), last)(h)
        crossed.append(float(2 * np.sum((y - h) * h) / np.sum(h**2)))
        own.append(float(np.sum((y - h) ** 2) / np.sum(h**2)))
        h = y
    return _found(
        f"over 16 blocks the branch's square is {np.mean(own):.2f} times its input's, where 2 is "
        f"expected, and what the correlation adds is {np.mean(crossed):+.2f}",
        float(np.mean(own)) < 1.95 and float(np.mean(crossed)) > -0.02,
    )


def _ratio_before_a_normalisation() -> str:
    from livegrad.blocks import BatchNorm, Dense, Sequential

    rng = np.random.default_rng(0)
    x, up = rng.standard_normal((32, 6)), rng.standard_normal((32, 4))
    dense = Dense(6, 4, rng=0)
    net = Sequential(dense, BatchNorm(4, epsilon=0))
    net.forward(x, training=True)
    net.backward(up)
    w = dense.arrays[0]
    new = w - 0.1 * net.gradients[0]
    ratio = float(np.linalg.norm(new - w) / np.linalg.norm(w))
    angle = math.acos(float((new * w).sum() / np.linalg.norm(new) / np.linalg.norm(w)))
    return _found(
        f"a ratio of {ratio:.3f} is the tangent of the angle, {math.tan(angle):.3f}",
        math.isclose(math.tan(angle), ratio, rel_tol=1e-6),
    )


def _summed() -> str:
    x, y = _features(64, 5)
    net = MLP([5, 8, 1], "tanh", rng=0)
    mean = net.backward(net.forward(x), y).weights[0]
    singles = [net.backward(net.forward(x[[at]]), y[[at]]).weights[0] for at in range(len(x))]
    apart = [
        float(np.abs(rate * np.sum(singles, axis=0) - 0.5 * mean).max())
        for rate in (0.5 / len(x), 0.5 * len(x))
    ]
    return _found(
        f"for {len(x)} examples a step on the sum differs from one on the mean by {apart[0]:.0e} "
        f"with the rate divided, by {apart[1]:.0e} with the rate multiplied",
        apart[0] < 1e-12 < 1 < apart[1],
    )


def _shuffled_labels() -> str:
    x, y = _features()
    wrong = np.random.default_rng(1).permutation(y)
    net = MLP([20, 30, 30, 1], "relu", rng=0)
    before = net.loss(x, wrong)
    net.fit(x, wrong, epochs=100, learning_rate=0.1)
    return _found(
        f"two ReLU layers bring the loss of shuffled labels from {before:.2f} to "
        f"{net.loss(x, wrong):.2f}",
        net.loss(x, wrong) < 0.1 < before,
    )


def _gradient_alone() -> str:
    x, _ = _features()
    net = MLP([20] + 20 * [32] + [1], "relu", "he_normal", "regression", rng=0, dtype="float32")
    for at, weight in enumerate(net.weights):
        weight *= np.float32(90 if at else 1e-37)
    with np.errstate(all="ignore"):
        back = net.backward(net.forward(x), x[:, :1])
    finite = bool(np.isfinite(back.weights[0]).all())
    return _found(
        f"the loss is {back.loss:.0f}, and the first gradient is {'finite' if finite else 'not'}",
        math.isfinite(back.loss) and not finite,
    )


def _epsilon() -> str:
    from livegrad.optimizers import Adam

    x, y = _features()
    net = MLP([20] + 10 * [30] + [1], "sigmoid", rng=0)
    before, gradients = net.weights[0].copy(), net.backward(net.forward(x), y)
    Adam(0.001, epsilon=1e-7).step(net.weights, gradients.weights)
    share = float(np.median(np.abs(net.weights[0] - before)) / 0.001)
    return _found(
        f"the first layer's first step in ten sigmoid layers is {share:.0e} of the rate",
        share < 0.01,
    )


def _large_tanh() -> str:
    from livegrad_lab.stack import Arm, Stack
    from livegrad_lab.trainability import images

    x, y = images()
    arms = {"four": Arm("tanh", _times(4, initializers.glorot_uniform), 0.03)}
    stack, scores = Stack([64] + 8 * [32] + [10], arms, seed=0), []
    for epochs in (20, 80):
        stack.fit(x, y, epochs, batch_size=32)
        scores.append(stack.accuracy(x, y)["four"])
    return _found(
        f"at the rate 0.03 training accuracy {scores[0]:.2f} after 20 epochs, {scores[1]:.2f} "
        "after 100",
        scores[0] < 0.9 < scores[1],
    )


def _first_layer_dead() -> str:
    from livegrad.optimizers import SGD

    x = np.random.default_rng(0).standard_normal((500, 10))
    y = (x[:, 0] * x[:, 1] > 0).astype(int)
    back = []
    for kept in (True, False):
        came = 0
        for seed in range(5):
            net, optimizer = MLP([10, 32, 32, 1], "relu", rng=seed), SGD(0.1, momentum=0.9)
            net.fit(x, y, epochs=2, optimizer=optimizer)
            net.biases[0][:8] -= net.forward(x).z[0][:, :8].max(axis=0) + 0.01
            net.fit(x, y, epochs=5, optimizer=optimizer if kept else SGD(0.1, momentum=0.9))
            came += int((net.forward(x).z[0][:, :8] > 0).any(axis=0).sum())
        back.append(came)
    return _found(
        f"of 40 units that were pushed below 0, {back[0]} come back with the velocity from before, "
        f"{back[1]} without it",
        back[0] > 0 == back[1],
    )


def _four_relu_layers() -> str:
    from sklearn.datasets import load_digits

    from livegrad_lab.stack import Arm, Stack

    x, y = load_digits(return_X_y=True)
    x, y = (x[:800] - x.mean()) / x.std(), y[:800]  # as the page has them
    arms = {
        "he": Arm("relu", "he_normal", 0.1),
        "inside": Arm("relu", "glorot_uniform", 0.1),
        "beyond": Arm("relu", "glorot_uniform", 0.2),
    }
    scores = []
    for seed in range(3):
        stack = Stack([64] + 4 * [48] + [10], arms, seed=seed)
        stack.fit(x, y, 4, batch_size=32)
        scores.append(list(stack.accuracy(x, y).values()))
    he, inside, beyond = np.mean(scores, axis=0)
    return _found(
        f"after 4 epochs He's weights are at {he:.2f}, and Glorot's at {inside:.2f} at the rate "
        f"0.1 and at {beyond:.2f} at 0.2",
        he - beyond < 0.03 < he - inside,
    )


def _random_features() -> str:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    x, y = _digits()
    net = MLP([64] + 8 * [64] + [10], "sigmoid", "glorot_uniform", head="multiclass", rng=0)
    features = net.forward(x).a[-1]  # (images, 64)
    spread = float(features.std(axis=0).mean())
    right = []
    for seen in (features, StandardScaler().fit_transform(features)):
        reader = LogisticRegression(max_iter=1000).fit(seen[:400], y[:400])
        right.append(float(reader.score(seen[400:], y[400:])))
    return _found(
        f"behind eight untrained sigmoid layers the digits differ by {spread:.0e}; a logistic "
        f"regression reads {right[0]:.0%} of them as they come and {right[1]:.0%} at a spread of 1",
        spread < 1e-5 and right[0] < 0.2 and right[1] > 0.5,
    )


def _large_weights() -> str:
    x, y = _features(features=64)
    products = {}
    for name in ("relu", "tanh"):
        weights = lambda shape, rng: 100 * rng.standard_normal(shape)  # noqa: E731
        products[name] = measure(MLP([64] + 10 * [64] + [1], name, weights, rng=0), x, y).gain
    return _found(
        "with weights that spread by 100 the gradient's product through ten layers is "
        f"{products['relu']:.0e} with ReLU and {products['tanh']:.0e} with tanh",
        products["relu"] > 1e6 and products["tanh"] < 1e-6,
    )


def _many_paths() -> str:
    weights = np.full((10, 10), 3.9)
    step = weights * activations.sigmoid.derivative(np.zeros(10))  # biases hold the inputs at 0
    factor = float(np.abs(np.linalg.eigvals(step)).max())
    return _found(
        f"ten units whose weights are all 3.9 multiply the error by up to {factor:.2f} a step",
        factor > 1,
    )


_DAY = "2026-11-26"
_LATER = "2026-11-30"

ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "first-weights",
        "gradients/chain-rule",
        "The gradient of the first weights is (p - y), times the product over the layers of "
        "W_l, slope and mask, times x.",
        "The product holds the weights of the layer *above* each hidden layer, W_(l+1) transposed, "
        "from the output down. W_1 is not in it, the output's weights are; and x stands "
        "transposed on the left. The formula stood on the home page and in every topic.",
        _DAY,
        _formula,
    ),
    Erratum(
        "gain",
        "gradients/measure",
        "The gain of a layer is the size of the gradient at its inputs over that at its outputs; a "
        "network whose first weights are too small has a `vanishing-gradient`.",
        "That product is wrong by one layer. The gain of hidden layer l is the size of dL/dz_l "
        "over that of dL/dz_(l+1). With small first weights the *signal* vanishes: the first "
        "layer keeps its gradient, all later ones lose theirs.",
        _DAY,
        _first_layer,
    ),
    Erratum(
        "bounds",
        "gradients/trainability",
        "A product between e to the -3 and e to the 3 can be trained, by Schoenholz et al. 2017.",
        "The paper does not give this bound: it speaks of the depth scale of correlations in one "
        "place and of gradients in another, and the two differ. The bounds are measured now.",
        _DAY,
        _bounds,
    ),
    Erratum(
        "tanh-depth",
        "gradients/measure",
        "Tanh with Glorot's weights: at none of the depths 5, 10, 20 and 40 is the product below e "
        "to the -3.",
        "It was so for the five seeds shown. With more seeds some are below.",
        _DAY,
        _forty_tanh_layers,
    ),
    Erratum(
        "one-path",
        "gradients/exploding#s2",
        "Once the weight also sets the pre-activation, the factor of a single path never reaches "
        "1: no weight explodes it.",
        "That holds at the state 0.5, which the exercise had fixed. The largest factor is 0.224 "
        "over the state, above 1 for each state below 0.224. The statement S2 said the same.",
        _DAY,
        _one_path,
    ),
    Erratum(
        "never-125",
        "experiments/claims/gradients",
        "The factor 500 times 0.25 never occurs.",
        "It occurs on a thin set of states.",
        _DAY,
        _500,
    ),
    Erratum(
        "late-news",
        "gradients/exploding",
        "NaN is late news: the loss turns NaN some steps after the first gradient overflowed.",
        "In the networks of the page loss and gradient overflow in the same pass, or the loss does "
        "first.",
        _DAY,
        _same_pass,
    ),
    Erratum(
        "overflow-order",
        "gradients/exploding",
        "The loss overflows in the same pass as the gradient, or one before.",
        "With tiny first weights and large later ones the gradient of the first weights overflows "
        "beside a finite loss.",
        _LATER,
        _gradient_alone,
    ),
    Erratum(
        "summed-loss",
        "gradients/chain-rule",
        "A sum instead of a mean multiplies every gradient, and the right learning rate, by n.",
        "It multiplies the gradient, and the rate that takes the same step is *divided* by n.",
        _LATER,
        _summed,
    ),
    Erratum(
        "wrong-labels",
        "gradients/vanishing",
        "The loss of a deep sigmoid network stays where it was, as it does with wrong labels.",
        "Labels that are wrong and stay so are learnt by heart. The loss stays where examples and "
        "labels are shuffled apart anew in each epoch.",
        _LATER,
        _shuffled_labels,
    ),
    Erratum(
        "adam-epsilon",
        "gradients/vanishing",
        "Adam divides each weight's step by the size of that weight's gradient, so that small "
        "gradients make steps of the usual length.",
        "They do while they are larger than epsilon. In ten sigmoid layers the first ones are not.",
        _LATER,
        _epsilon,
    ),
    Erratum(
        "four-times-tanh",
        "gradients/trainability",
        "With four times Glorot's weights eight tanh layers do not train either: the gradient's "
        "product is too large.",
        "They do not in twenty epochs. At a small rate and with more time they do; with a quarter "
        "of Glorot's weights they stay at chance.",
        _LATER,
        _large_tanh,
    ),
    Erratum(
        "clipping",
        "gradients/exploding",
        "Every form of clipping keeps the training alive; without it none of the networks trains.",
        "The thresholds were not comparable, and the rate was the one of sound weights. At its own "
        "rate the network trains without clipping too.",
        _DAY,
        _unclipped,
    ),
    Erratum(
        "large-rate",
        "gradients/vanishing",
        "A larger learning rate is no cure. It would have to make up for the missing factor in the "
        "first layer only; the last layer, with the same rate, diverges.",
        "It is no cure, but nothing diverges: the output swings to and fro.",
        _DAY,
        _large_rates,
    ),
    Erratum(
        "creeping-loss",
        "gradients/vanishing",
        "The last layer's gradient is fine, and the training loss creeps down a little.",
        "It comes down to what always saying the frequency of the classes costs, and stays there.",
        _DAY,
        _one_number,
    ),
    Erratum(
        "first-gradient",
        "gradients/vanishing",
        "Print the first layer's gradient before you look for the bug.",
        "Where both products vanish alike, the first layer's weight gradient is about as large as "
        "the others'. Measure the products.",
        _DAY,
        _gradient_and_signal,
    ),
    Erratum(
        "softplus",
        "activations/softplus#s7",
        "Softplus adds about 0.7 to everything.",
        "It adds 0.69 at 0 and less elsewhere.",
        _DAY,
        _softplus,
    ),
    Erratum(
        "decay",
        "activations/relu",
        "A dead unit of the first layer stays dead without weight decay.",
        "Decay of kernel and bias together keeps the sign of every pre-activation, so it revives "
        "nothing by itself.",
        _DAY,
        _decay,
    ),
    Erratum(
        "dead-first-layer",
        "activations/relu",
        'So "a dead unit never comes back" holds for the first layer, and only there.',
        "It holds there under plain descent. Momentum goes on after the gradient has ended, and "
        "decay of the weights alone brings back a unit whose bias is positive.",
        _LATER,
        _first_layer_dead,
    ),
    Erratum(
        "centred",
        "activations/compare#s8",
        "Zero-centred: an activation with outputs of both signs. Leaky ReLU is, ReLU is not.",
        "What counts is the mean, and leaky ReLU's is ReLU's. The glossary and "
        "`Activation.zero_centered` said it.",
        _DAY,
        _centred,
    ),
    Erratum(
        "one-rate",
        "activations/compare",
        "Eight activations, and the sigmoid is behind with 0.68.",
        "There were nine, all at the learning rate 0.1. The sigmoid's score is that rate's.",
        _DAY,
        _sigmoid_rate,
    ),
    Erratum(
        "four-times-glorot",
        "initializers/glorot",
        "To train a deep sigmoid network by the initializer alone, the weights would have to be "
        "four times as large, and then they saturate the units.",
        "At four times Glorot's most units are not saturated, and four sigmoid layers train. The "
        "page on pairing and the statement S5 said the same.",
        _DAY,
        _four_sigmoid_layers,
    ),
    Erratum(
        "dropout-symmetry",
        "initializers/symmetry-and-scale",
        "Dropout breaks the symmetry of equal units too, but late and by chance.",
        "It breaks it in the first step.",
        _DAY,
        _symmetry,
    ),
    Erratum(
        "ten-do-not",
        "initializers/uniform-fan-in",
        "With the uniform fan-in rule two layers train and ten do not.",
        "The budget was 10 epochs. With more, deeper networks train. With biases of 0 it is not "
        "PyTorch's default either.",
        _DAY,
        _six_layers,
    ),
    Erratum(
        "from-ten-layers",
        "initializers/he",
        "He with ReLU matters from about ten layers on.",
        "That was after 8 epochs. With three times as many, ten layers train from Glorot's too.",
        _DAY,
        _ten_layers,
    ),
    Erratum(
        "grids-end",
        "initializers/he",
        "Four ReLU layers after four epochs, each rule at its own best rate: 1.0 with He's weights "
        "and 0.9 with Glorot's.",
        "Glorot's best rate lay outside the grid, which ended at 0.1. Beyond it the two are alike.",
        _LATER,
        _four_relu_layers,
    ),
    Erratum(
        "jensen",
        "dropout/signal",
        "Behind a non-linearity the shift is small for the usual rates.",
        "ReLU is convex, so the mean can only rise (Jensen's inequality), and at the rate 0.5 it "
        "rises by about half.",
        _DAY,
        _jensen,
    ),
    Erratum(
        "ten-times",
        "dropout/signal",
        "A rate of 0.9 turns the signal into noise that is ten times as strong.",
        "The noise's variance is r / (1 - r) times the signal's square, and that is nine times.",
        _DAY,
        _noise,
    ),
    Erratum(
        "all-libraries",
        "dropout/inference",
        "All libraries use the inverted form.",
        "Keras and PyTorch do. Paddle has both, the first form as `downscale_in_infer`. In each "
        "form inference gives the mean over the masks.",
        _DAY,
        _two_forms,
    ),
    Erratum(
        "disagreement",
        "dropout/inference",
        "Where the networks under different masks disagree, the input is unlike the training data.",
        "They also disagree inside the data, and may differ more there than between its edge and a "
        "place outside.",
        _DAY,
        _disagreement,
    ),
    Erratum(
        "written-flag",
        "dropout/inference",
        "`training=False` by mistake, baked into a functional model of Keras, turns dropout off "
        "for ever, without a word.",
        "The flag of the model's call goes before that of the layer's: in `fit` it drops all the "
        "same.",
        "2026-11-30",
        _written_flag,
    ),
    Erratum(
        "sigmoid-mean",
        "dropout/signal",
        "The sigmoid is convex on one side and concave on the other, so its mean hardly moves.",
        "The mean over units of both sides hardly does. That of a single unit moves towards a "
        "half.",
        "2026-11-30",
        _sigmoid_mean,
    ),
    Erratum(
        "small-batches",
        "shortcuts/batch-norm",
        "With batches of eight the network with batch normalisation is level after two epochs, and "
        "a little behind after four.",
        "Its running averages had not arrived, which the page names among its pitfalls. With a "
        "momentum of 0.9 it is ahead, and then level.",
        "2026-11-30",
        _small_batches,
    ),
    Erratum(
        "one-draw",
        "shortcuts/zero-init",
        "The measured growth is a little slower than 3 to the L, since branch and input are not "
        "quite uncorrelated in one draw.",
        "The correlation adds nothing there. In that draw the branches are smaller than on the "
        "mean; in other draws the growth is faster.",
        "2026-11-30",
        _growth_in_a_draw,
    ),
    Erratum(
        "clipped-probability",
        "outputs/binary",
        "Without `from_logits=True` Keras clips p, and the gradient beyond is 0.",
        'On TensorFlow Keras finds the logits behind `Dense(1, "sigmoid")` and uses them.',
        _DAY,
        _clipped_probability,
    ),
    Erratum(
        "mixed-precision",
        "outputs/binary",
        "Only where the probability comes from elsewhere, here from a sigmoid written by hand, "
        "does Keras clip it.",
        "It also does behind the cast of mixed precision, where the logits cannot be found.",
        "2026-11-30",
        _mixed_precision,
    ),
    Erratum(
        "squashes-twice",
        "outputs/binary",
        "A sigmoid in the last layer and `from_logits=True` squashes twice; nothing fails.",
        "On TensorFlow Keras warns and uses the logits. The page on several classes and the cheat "
        "sheet said the same of softmax.",
        _DAY,
        _squashed_twice,
    ),
    Erratum(
        "attention",
        "outputs/multiclass",
        "Attention uses softmax inside, and a scale makes up for the small numbers.",
        "The scale, one over the root of d, acts before the softmax, against *large* products.",
        _DAY,
        _attention,
    ),
    Erratum(
        "few-classes",
        "inputs/first-loss",
        "Logits that differ by chance, with a spread s of no more than 1, cost about s squared, "
        "halved, more than ln k.",
        "That lacks the factor 1 - 1/k. With ten classes it hardly shows; with two the formula "
        "gave twice the excess and more.",
        "2026-11-30",
        _few_classes,
    ),
    Erratum(
        "ratio-misleads",
        "step/find-rate",
        "The ratio of update to weight misleads before a normalisation: the size of the weights "
        "means nothing there, and the ratio falls while they grow.",
        "There it is the tangent of the angle that a step turns the weights by, and their size "
        "counts for nothing else.",
        "2026-11-30",
        _ratio_before_a_normalisation,
    ),
    Erratum(
        "finite-depth",
        "experiments/papers/saxe",
        "The theory for the largest singular value gives 0.98 at depth 5 and 0.90 at depth 20.",
        "These are exponents of infinite depth. At such depths the largest singular value of a "
        "product is several times as large, and the page did not say so.",
        _DAY,
        _saxe,
    ),
    Erratum(
        "healthy-rules",
        "initializers/index",
        "The initializers that give ten ReLU layers a healthy verdict have a variance of 2 divided "
        "by the fan-in.",
        "Since the bounds are measured ones, those with 1 over the fan-in are within them as well. "
        "Only with 2 does the product stay near 1.",
        "2026-11-27",
        _ten_relu_layers,
    ),
    Erratum(
        "histograms",
        "experiments/papers/glorot",
        "The normalised initialization nearly keeps the activations through five layers.",
        "It keeps about half of their spread, where the common range keeps a tenth.",
        "2026-11-27",
        _five_tanh_layers,
    ),
    Erratum(
        "random-features",
        "experiments/vanishing.py",
        "The deep sigmoid network stays at chance since its upper layers have nothing but random "
        "features to work with.",
        "The random features tell the digits apart. They differ by millionths from image to image: "
        "the signal has vanished as well as the gradient.",
        _LATER,
        _random_features,
    ),
    Erratum(
        "large-weights-vanish",
        "reference/statements#s16",
        '"Small" weights vanish as surely as "large" ones explode.',
        "Large weights explode with ReLU. With tanh they may saturate the units, and then the "
        "gradient vanishes too.",
        _LATER,
        _large_weights,
    ),
    Erratum(
        "many-paths",
        "reference/papers#hochreiter-1997",
        "With sigmoid units the error must vanish as long as all weights are below 4.0.",
        "So it is along one path from unit to unit. A step of a network sums over many.",
        _LATER,
        _many_paths,
    ),
)
"""All errata, by topic and in the order of the pages."""
