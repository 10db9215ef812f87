"""The measurements against finite differences and closed forms, the verdicts against known nets."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from livegrad import activations, initializers
from livegrad.network import MLP
from livegrad.signals import (
    A_TWENTIETH,
    CODES,
    GRADIENT_BOUNDS,
    SIGNAL_BOUNDS,
    _allowed,
    measure,
    through_depth,
)


def scaled(factor, base=initializers.he_normal):
    return lambda shape, rng: factor * base(shape, rng)


CUBE = replace(activations.linear, name="cube", _value=lambda x: x**3, _slope=lambda x: 3 * x**2)


(LOW, HIGH), (SMALL, LARGE) = GRADIENT_BOUNDS["SGD"], SIGNAL_BOUNDS["SGD"]


def data(n=40, features=6, seed=0):
    x = np.random.default_rng(seed).standard_normal((n, features))
    return x, (x[:, 0] > 0).astype(int)


# What is measured ---------------------------------------------------------------------------


def test_gains_are_ratios_of_finite_differences():
    """||delta_l|| from moving every pre-activation of every example, without ``backward``."""
    x, y = data(n=5, features=4)
    net = MLP([4, 5, 3, 1], "tanh", rng=2)

    def norm_at(layer):
        z = net.forward(x).z[layer]

        def loss(z):
            for weight, bias in zip(net.weights[layer + 1 :], net.biases[layer + 1 :], strict=True):
                z = np.tanh(z) @ weight + bias
            return net.head.loss_value(z, y)

        square = 0.0
        for at in np.ndindex(z.shape):
            moved = np.zeros_like(z)
            moved[at] = 1e-6
            square += ((loss(z + moved) - loss(z - moved)) / 2e-6) ** 2
        return math.sqrt(square)

    norms = [norm_at(layer) for layer in range(3)]
    report = measure(net, x, y)
    gains = [layer.gain for layer in report.layers]
    assert gains[:2] == pytest.approx([norms[0] / norms[1], norms[1] / norms[2]], rel=1e-6)
    assert math.isnan(gains[2]) and math.isnan(report.layers[2].signal_gain)
    p = net.predict(x)[:, 0]
    assert norms[2] == pytest.approx(np.linalg.norm((p - y) / len(y)), rel=1e-6)
    assert report.gain == pytest.approx(norms[0] / norms[2], rel=1e-6)


def test_the_first_weights_are_not_in_the_gradients_product_and_the_outputs_are():
    """Linear layers, each a multiple of an isometry: what each factor enters can be counted."""
    x, _ = data(features=8)
    for layer, gain, signal in [(0, 1.0, 3.0), (1, 3.0, 3.0), (2, 3.0, 1.0)]:
        net = MLP([8, 8, 8, 8], "linear", "orthogonal", head="regression")
        net.weights[layer] *= 3
        report = measure(net, x, np.eye(8)[np.arange(40) % 8])
        assert (report.gain, report.signal_gain) == pytest.approx((gain, signal), rel=1e-12)


def relu_network(first=1.0, middle=1.0, last=1.0):
    """Five layers of 64 with He's weights, some multiplied."""
    net = MLP([64] + 5 * [64] + [1], "relu", "he_normal", rng=0)
    net.weights[0] *= first
    for weight in net.weights[1:-1]:
        weight *= middle
    net.weights[-1] *= last
    return measure(net, *data(n=256, features=64))


def norms(report):
    return np.array([layer.gradient_norm for layer in report.layers])


def test_first_weights_a_thousandth_of_he_lose_the_signal_not_the_gradient():
    he, small = relu_network(), relu_network(first=1e-3)
    relative = norms(small) / norms(he)
    assert 0.5 < relative[0] < 2
    assert (relative[1:] < 2e-3).all()
    assert small.gain == pytest.approx(he.gain, rel=0.1)
    assert small.signal_gain == pytest.approx(1e-3 * he.signal_gain)
    assert small.verdict == "vanishing-signal"
    assert [s.verdict for s in small.layers] == ["vanishing-signal"] + 5 * ["healthy"]
    assert small.why == f"the signal's product {small.signal_gain:.3g} is below {SMALL:.3g}"


def test_output_weights_a_thousandth_of_he_lose_the_gradient_at_the_first_factor():
    he, small = relu_network(), relu_network(last=1e-3)
    relative = norms(small) / norms(he)
    # p - y itself is a little different: with tiny logits p is a half.
    assert (relative[:-1] < 2e-3).all() and 0.1 < relative[-1] < 2
    assert small.signal_gain == he.signal_gain
    assert [s.verdict for s in small.layers] == [
        *4 * ["healthy"],
        "vanishing-gradient",
        "healthy",
    ]
    assert small.layers[4].gain < 2e-3 < 0.5 < small.layers[3].gain
    assert small.verdict == "vanishing-gradient"


def test_all_weights_a_tenth_of_he_lose_both():
    report = relu_network(0.1, 0.1, 0.1)
    assert report.gain == pytest.approx(1e-5, rel=0.2)
    assert report.signal_gain == pytest.approx(1e-5 * relu_network().signal_gain, rel=1e-9)
    assert report.verdict == "vanishing-gradient"
    assert report.why == (
        f"the gradient's product {report.gain:.3g} is below {LOW:.3g}; "
        f"the signal's product {report.signal_gain:.3g} is below {SMALL:.3g}"
    )
    # No layer's weights have a gradient much smaller than another's.
    assert norms(report).max() < 3 * norms(report).min()


def test_ten_sigmoid_layers_lose_both():
    report = through_depth("sigmoid", rng=0)
    assert report.verdict == "vanishing-gradient"
    assert report.gain < 1e-5 and report.signal_gain < 1e-5
    assert "the signal's product" in report.why


def test_with_unequal_widths_fan_out_grows_the_signal_and_not_the_gradient():
    """65,536 inputs into 4 units: weights drawn by fan-out multiply the signal by 128."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((64, 65536)), rng.standard_normal((64, 4))

    def report(fan):
        def draw(shape, rng):
            fan_in, fan_out = shape
            return rng.standard_normal(shape) / math.sqrt(fan_out if fan == "out" else fan_in)

        return measure(MLP([65536, 4, 4, 4], "linear", draw, "regression", rng=0), x, y)

    by_in, by_out = report("in"), report("out")
    assert by_out.layers[0].signal_gain == pytest.approx(128, rel=0.05)
    assert by_out.signal_gain == pytest.approx(128 * by_in.signal_gain, rel=1e-9)
    # The square layers are the same, and the first layer's weights are not in this product.
    assert by_out.gain == pytest.approx(by_in.gain, rel=0.3) == pytest.approx(1, rel=0.5)
    assert (by_in.verdict, by_out.verdict) == ("healthy", "exploding-signal")
    assert by_out.layers[0].verdict == "exploding-signal"


@pytest.mark.parametrize(("widths", "gain"), [((64, 16), 2.0), ((16, 64), 0.5)])
def test_the_variance_per_unit_changes_by_another_factor_where_widths_differ(widths, gain):
    """He et al. 2015: n_(l+1) Var[w] = 1 keeps the mean square per unit, whatever the widths."""
    below, above = widths

    def by_fan_out(shape, rng):
        return rng.standard_normal(shape) / math.sqrt(shape[1])

    rng = np.random.default_rng(0)
    net = MLP([8, below, above], "linear", by_fan_out, "regression", rng=1)
    x, y = rng.standard_normal((2000, 8)), 100 * rng.standard_normal((2000, above))
    report = measure(net, x, y)
    assert report.gain == pytest.approx(gain, rel=0.1)
    deltas = net.backward(net.forward(x), y).z
    per_unit = math.sqrt(np.mean(deltas[0] ** 2) / np.mean(deltas[1] ** 2))
    assert per_unit == pytest.approx(report.gain * math.sqrt(above / below))
    assert per_unit == pytest.approx(1, rel=0.1)


def test_inputs_that_are_all_alike_have_no_signals_product():
    net = MLP([6, 8, 1], "tanh", rng=0)
    report = measure(net, np.ones((5, 6)), [0, 1, 0, 1, 1])
    assert math.isnan(report.signal_gain)
    assert report.verdict == "healthy"
    assert report.why.endswith("the signal's product is not defined: all inputs are alike")


def test_orthogonal_linear_layers_have_gain_one():
    """An isometry changes no norm: an exact value that needs no other program."""
    report = through_depth("linear", "orthogonal", depth=20, width=16, rng=0)
    for layer in report.layers[:-1]:
        assert layer.gain == pytest.approx(1, rel=1e-12)
        assert layer.signal_gain == pytest.approx(1, rel=1e-12)
    doubled = through_depth("linear", scaled(1.1, initializers.orthogonal), depth=20, width=16)
    assert doubled.gain == pytest.approx(1.1**20, rel=1e-10)
    assert doubled.signal_gain == pytest.approx(1.1**20, rel=1e-10)


def test_report_says_what_the_trace_holds():
    x, y = data()
    net = MLP([6, 7, 8, 1], "relu", rng=1)
    trace = net.forward(x)
    gradients = net.backward(trace, y)
    report = measure(net, x, y)
    assert report.loss == gradients.loss
    assert [layer.name for layer in report.layers] == ["hidden 1", "hidden 2", "output"]
    assert [layer.layer for layer in report.layers] == [1, 2, 3]
    assert [layer.shape for layer in report.layers] == [(6, 7), (7, 8), (8, 1)]
    assert [layer.activation for layer in report.layers] == ["relu", "relu", "sigmoid"]
    assert [layer.gradient_norm for layer in report.layers] == gradients.norms()
    for layer, signal in zip(report.layers, [*trace.a, net.predict(x)], strict=True):
        assert layer.mean == pytest.approx(signal.mean())
        assert layer.spread == pytest.approx(math.sqrt(signal.var(axis=0).mean()))
    hidden = report.layers[:-1]
    assert report.gain == pytest.approx(math.prod(layer.gain for layer in hidden))
    assert report.signal_gain == pytest.approx(math.prod(layer.signal_gain for layer in hidden))


def test_dead_and_saturated_are_counted():
    x, y = data()
    net = MLP([6, 10, 10, 1], "relu", rng=1)
    net.biases[1][:] = 3 * [-100.0] + 7 * [100.0]
    net.biases[2][:] = -1e6  # the output layer has no ReLU that it could silence
    assert measure(net, x, y).layers[1].dead == 0.3
    assert [layer.dead for layer in measure(net, x, y).layers] == [0.0, 0.3, 0.0]
    assert all(layer.saturated == 0 for layer in measure(net, x, y).layers)
    # Leaky ReLU's slope on the left is below the bound, but it is meant to be; softmax has none.
    for name in ["leaky_relu", "softmax"]:
        layer = through_depth(name, depth=1, width=8, n=16).layers[0]
        assert (layer.dead, layer.saturated) == (0.0, 0.0)
    # sigmoid'(z) / (1/4) is the bound at this |z|: biases on either side of it
    edge = 2 * math.acosh(A_TWENTIETH**-0.5)
    for bias, share in [(edge - 0.01, 0.0), (edge + 0.01, 1.0)]:
        net = MLP([6, 4, 1], "sigmoid", "zeros", rng=1)
        net.biases[0][:] = bias
        assert measure(net, x, y).layers[0].saturated == share


def test_measuring_changes_nothing_and_ignores_dropout():
    x, y = data()
    net = MLP([6, 8, 1], dropout=0.5, rng=0)
    before, state = net.get_weights(), net.rng.bit_generator.state
    # In words: the head's NaN is equal to itself up to Python 3.12 only.
    assert repr(measure(net, x, y)) == repr(measure(net, x, y))
    assert net.rng.bit_generator.state == state
    for old, new in zip(before, net.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


# Verdicts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("depth", "width"), [(3, 64), (20, 128), (50, 128), (50, 256)])
@pytest.mark.parametrize("seed", range(4))
def test_relu_with_he_is_healthy(depth, width, seed):
    report = through_depth("relu", "he_normal", depth, width=width, rng=seed)
    assert report.verdict == "healthy", report.why
    assert report.healthy
    assert {layer.verdict for layer in report.layers} == {"healthy"}


@pytest.mark.parametrize("seed", range(3))
def test_badly_scaled_relu_vanishes_though_the_weight_gradients_do_not_tell(seed):
    report = through_depth("relu", scaled(0.5), 30, width=128, rng=seed)
    hidden = report.layers[:-1]
    assert 0.1 < hidden[0].gradient_norm / hidden[-1].gradient_norm < 10
    assert report.verdict == "vanishing-gradient"
    # Half the weights halve each gain, as the other half of the derivation says.
    assert report.gain ** (1 / 30) == pytest.approx(0.5, abs=0.05)
    assert report.signal_gain < 1e-6


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_of_five_layers_vanishes(seed, dtype):
    x, y = data(features=20)
    net = MLP([20] + 5 * [64] + [1], "sigmoid", rng=seed, dtype=dtype)
    report = measure(net, x, y)
    assert report.verdict == "vanishing-gradient"
    assert report.gain < 0.25**3
    assert report.why.startswith(f"the gradient's product {report.gain:.3g} is below {LOW:.3g}; ")


def test_float32_measures_what_float64_does():
    x, y = data()
    wide = MLP([6, 32, 32, 1], "gelu", rng=0)
    narrow = MLP([6, 32, 32, 1], "gelu", rng=0, dtype=np.float32)
    for one, other in zip(measure(wide, x, y).layers, measure(narrow, x, y).layers, strict=True):
        assert other.gain == pytest.approx(one.gain, rel=1e-4, nan_ok=True)
        assert other.spread == pytest.approx(one.spread, rel=1e-4)
        assert other.verdict == one.verdict


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("initializer", ["zeros", "ones"])
def test_equal_weights_are_symmetric(activation, initializer):
    report = through_depth(activation, initializer, 3, width=16)
    assert report.verdict == "symmetric-weights"
    assert report.why == "hidden 1: all 16 units have the same weights and bias"


def test_symmetry_needs_equal_biases_two_units_and_a_hidden_layer():
    x, y = data()
    two = measure(MLP([6, 2, 1], "tanh", "ones"), x, y)
    assert two.verdict == "symmetric-weights"
    assert two.why == "hidden 1: all 2 units have the same weights and bias"
    net = MLP([6, 3, 1], "tanh", "ones")
    assert measure(net, x, y).verdict == "symmetric-weights"
    net.biases[0][1] = 0.5
    assert measure(net, x, y).verdict != "symmetric-weights"
    assert measure(MLP([6, 1, 1], "tanh", scaled(0.3, initializers.ones)), x, y).healthy
    # zeros are the usual start of softmax regression: the labels break the symmetry
    assert measure(MLP([6, 3], "tanh", "zeros", "multiclass"), x, y).healthy


@pytest.mark.parametrize("activation", ["relu", "selu", "gelu", "tanh"])
def test_large_weights_explode(activation):
    report = through_depth(activation, scaled(10), 6, rng=0)
    assert report.verdict == "exploding-gradient"
    assert f"the gradient's product {report.gain:.3g} is above {HIGH:.3g}" in report.why
    assert "exploding-gradient" in {layer.verdict for layer in report.layers}


def test_a_layer_that_doubles_is_beyond_the_sixth_root():
    report = through_depth("linear", scaled(2, initializers.orthogonal), 6, width=16)
    assert [layer.verdict for layer in report.layers[:-1]] == 6 * ["exploding-gradient"]


def test_a_silent_layer_is_the_cause_of_what_vanishes():
    net = MLP([6, 16, 16, 1], "relu", rng=0)
    net.biases[1][:] = -100.0
    report = measure(net, *data())
    assert report.why == (
        f"the gradient's product 0 is below {LOW:.3g}; the signal's product 0 is below "
        f"{SMALL:.3g}; hidden 2: 100% dead, above 98%"
    )
    assert [layer.spread for layer in report.layers[1:]] == [0.0, 0.0]


def test_large_weights_saturate_a_sigmoid():
    report = through_depth("sigmoid", scaled(10), 6, rng=0)
    assert report.verdict == "saturated-units"
    assert report.why == "hidden 1: 75% are saturated, above 63%"
    # Still larger ones leave no gradient at all; the reason names the cause.
    report = through_depth("sigmoid", scaled(1e3), 6, rng=0)
    assert report.verdict == "vanishing-gradient"
    assert report.why.endswith("; hidden 1: 100% saturated, above 63%")


@pytest.mark.parametrize("factor", [1e10, 1e60, 1e100, 1e200])
@pytest.mark.parametrize("activation", ["relu", "sigmoid", "gelu", "softmax"])
def test_overflow_is_silent_and_never_healthy(activation, factor):
    report = through_depth(activation, scaled(factor), 6, width=16, n=32)
    assert not report.healthy
    assert max(len(line) for line in str(report).splitlines()) <= 80


def test_huge_finite_gains_stay_numbers():
    report = through_depth("relu", scaled(1e60), 2, width=16, n=32)
    assert report.verdict == "exploding-gradient"
    assert math.isfinite(report.gain)
    assert math.isfinite(report.signal_gain)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("activation", ["relu", "linear", "sigmoid"])
def test_input_that_is_not_finite(activation, value):
    x, y = data()
    x[3, 2] = value
    report = measure(MLP([6, 8, 1], activation), x, y)
    assert report.verdict == "non-finite"
    assert report.why == "hidden 1: 1 of 240 inputs are not finite, above 0"
    assert "non-finite" in str(report)


def test_non_finite_is_traced_to_where_it_began():
    x, y = data()
    net = MLP([6, 8, 8, 8, 1], "tanh")
    net.weights[2][0, 0] = np.nan
    assert measure(net, x, y).why == "hidden 3: 1 of 64 weights are not finite, above 0"
    assert [math.isnan(layer.spread) for layer in measure(net, x, y).layers] == 2 * [False] + 2 * [
        True
    ]
    net.weights[2][0, 0] = 0.0
    net.biases[1][:2] = np.inf
    assert measure(net, x, y).why == "hidden 2: 2 of 8 biases are not finite, above 0"
    # Weights within the type, whose sum leaves it; and an activation that cubes what it gets.
    net = MLP([1, 1, 1], "linear", lambda shape, rng: np.full(shape, 1e200))
    assert measure(net, [[1e200]], [1]).why == (
        "hidden 1: 1 of 1 pre-activations are not finite, above 0"
    )
    assert measure(MLP([1, 1, 1], CUBE, "ones"), [[1e200]], [1]).why == (
        "hidden 1: 1 of 1 activations are not finite, above 0"
    )
    loss = MLP([6, 8, 2], head="regression", initializer=scaled(1e80))
    assert measure(loss, x, np.full((40, 2), 1e200)).why == (
        "output: 1 of 1 losses are not finite, above 0"
    )


def chain(*weights, activation="linear"):
    """One unit a layer, with these weights."""
    net = MLP([1] * (len(weights) + 1), activation, head="regression")
    for own, weight in zip(net.weights, weights, strict=True):
        own[:] = weight
    return net


@pytest.mark.parametrize(
    ("net", "x", "error", "why"),
    [
        # The loss is finite, but not its slope times the large activation.
        (chain(1.0, 1e-60), 1e200, 1e130, "output: 1 of 1 gradients of weights"),
        # SELU's slope is 1.05 there, and the gradient near the end of the type.
        (
            chain(1e-300, 1.75e308, activation="selu"),
            1.0,
            0.5,
            "hidden 1: 1 of 1 gradients of pre-activations",
        ),
        (chain(0.0, 1e200, 1e200), 1.0, 0.5, "hidden 2: 1 of 1 gradients of its inputs"),
        (chain(1e200, 1e200, 1.0), 0.0, 0.5, "hidden 1: 1 of 1 gradients of its inputs"),
    ],
)
def test_a_gradient_that_overflows_is_traced_to_where_it_began(net, x, error, why):
    report = measure(net, [[x]], net([[x]]) - error)
    assert report.why == f"{why} are not finite, above 0"
    broken = [layer.name for layer in report.layers if layer.verdict == "non-finite"]
    assert broken[-1] == why.partition(":")[0]  # on the way back, the last layer is the first


def test_a_mostly_dead_layer_is_named():
    x, y = data(n=200)
    net = MLP([6, 64, 64, 64, 64, 1], "relu", rng=0)
    net.biases[2][:60] = -100
    net.weights[3][60:] *= 3  # the four that are left carry the signal on
    report = measure(net, x, y)
    assert report.verdict == "dead-units"
    assert report.why == "hidden 3: 94% of the units are dead, above 89%"
    assert [layer.verdict for layer in report.layers].count("dead-units") == 1


@pytest.mark.parametrize("depth", [2, 5, 50])
def test_the_share_of_lost_units_follows_from_the_bound_and_the_depth(depth):
    from livegrad.activations import relu, sigmoid

    share = A_TWENTIETH ** (2 / depth)
    assert _allowed(sigmoid, depth, 8) == 1 - share
    assert _allowed(relu, depth, 10**8) == pytest.approx(max(1 - share / 2, 0.5), abs=2e-4)
    assert _allowed(relu, 10**9, 144) == 0.5 + 3 / 2 / 12
    assert _allowed(relu, 10**9, 1) == _allowed(relu, 10, 9) == 0.99
    assert _allowed(relu, 1, 1) == 1 - A_TWENTIETH**2 / 2


def chain(*gains):
    """Measure a linear network of one unit a layer, where nothing is rounded but the gains."""
    net = MLP([1] * (len(gains) + 2), "linear", "ones")
    for weight, gain in zip(net.weights[1:], gains, strict=True):
        weight[:] = gain
    report = measure(net, [[0.0]], [1])  # p - y is a half, and one input has no spread
    assert [layer.gain for layer in report.layers[:-1]] == [*gains]
    return report, [layer.verdict for layer in report.layers[:-1]]


@pytest.mark.parametrize("bound", [LOW, HIGH])
def test_a_product_that_is_exactly_the_bound_is_within(bound):
    report, verdicts = chain(bound)
    assert (report.gain, report.verdict, verdicts) == (bound, "healthy", ["healthy"])
    assert f" is between {LOW:.3g} and {HIGH:.3g}; the signal's" in report.why
    beyond = bound**1.5
    report, verdicts = chain(beyond / 4, 4.0) if bound < 1 else chain(beyond * 4, 0.25)
    assert report.verdict == verdicts[0] != "healthy"
    # A layer is not named where the product is within, however far it is itself.
    report, verdicts = chain(bound / 4, 4.0) if bound < 1 else chain(bound * 4, 0.25)
    assert (report.gain, report.verdict, verdicts) == (bound, "healthy", 2 * ["healthy"])


@pytest.mark.parametrize(
    ("bound", "other", "verdict"),
    [(LOW, 1 / 64, "vanishing-gradient"), (HIGH, 64.0, "exploding-gradient")],
)
def test_a_layer_whose_gain_is_exactly_the_root_of_the_bound_is_not_named(bound, other, verdict):
    share = bound ** (1 / 2)
    report, verdicts = chain(share, other)
    assert (report.verdict, verdicts) == (verdict, ["healthy", verdict])


@pytest.mark.parametrize(
    ("activation", "bias", "field"), [("relu", -100.0, "dead"), ("softplus", -5.0, "saturated")]
)
def test_a_share_of_lost_units_that_is_exactly_the_bound_is_not_named(
    activation, bias, field, monkeypatch
):
    monkeypatch.setattr(
        "livegrad.signals.SIGNAL_BOUNDS", {"SGD": (0.0, math.inf)}
    )  # not in question here
    assert _allowed(activations.get(activation), 5, 16) == 14 / 16

    def reports(lost):
        net = MLP([4] + 5 * [16] + [1], activation, lambda shape, rng: rng.uniform(0, 0.1, shape))
        net.weights[2][:, :lost] = 0
        net.biases[2][:lost] = bias
        x, y = np.random.default_rng(0).uniform(1, 2, (8, 4)), [0, 1] * 4
        for product in (1.0, 1e-3):
            # The output's weights change no layer's units.
            net.weights[-1] *= product / measure(net, x, y).gain
            report = measure(net, x, y)
            assert getattr(report.layers[2], field) == lost / 16
            yield report

    well, vanishing = reports(lost=14)
    assert well.verdict == well.layers[2].verdict == "healthy"
    assert vanishing.verdict == "vanishing-gradient" and "hidden" not in vanishing.why
    well, vanishing = reports(lost=15)
    assert well.verdict == well.layers[2].verdict == f"{field}-units"
    assert f"; hidden 3: 94% {field}, above 88%" in vanishing.why


def test_a_slope_that_is_exactly_the_bound_is_not_saturated():
    for slope, share in [(A_TWENTIETH, 0.0), (math.nextafter(A_TWENTIETH, 0), 1.0)]:
        flat = replace(activations.tanh, _slope=lambda x, slope=slope: np.full_like(x, slope))
        assert through_depth(flat, depth=1).layers[0].saturated == share


def test_a_relu_that_leaks_saturates_on_its_left():
    leaking = replace(activations.relu, _slope=lambda x: np.where(x > 0, 1, 0.01))
    layer = through_depth(leaking, depth=1).layers[0]
    assert layer.dead == 0 and 0.4 < layer.saturated < 0.6


def test_a_narrow_layer_that_is_lost_altogether_is_the_cause():
    net = MLP([3, 8, 8, 1], "relu", rng=0)
    net.biases[0][:] = -100
    report = measure(net, np.eye(3), [0, 1, 1])
    assert report.verdict == "vanishing-gradient"
    assert report.why.endswith("; hidden 1: 100% dead, above 99%")


def test_one_low_layer_is_no_fault():
    x, y = data(features=64)
    net = MLP([64, 64, 64, 1], "linear", "orthogonal")
    net.weights[1] *= LOW**0.75
    net.weights[2] *= LOW**-0.75
    report = measure(net, x, y)
    assert report.layers[0].gain < LOW ** (1 / 2) / 1.1
    assert {layer.verdict for layer in report.layers} == {"healthy"}
    net.weights[2] *= LOW**1.5
    report = measure(net, x, y)
    assert report.verdict == "vanishing-gradient"
    assert [layer.verdict for layer in report.layers[:-1]] == ["vanishing-gradient"] * 2


def test_no_hidden_layer():
    report = measure(MLP([6, 1]), *data())
    assert (report.gain, report.signal_gain, report.verdict) == (1.0, 1.0, "healthy")
    assert len(report.layers) == 1
    # Nor does it change the spread of one example, which is 0.
    x, y = data(n=1)
    assert measure(MLP([6, 1]), x, y).signal_gain == 1.0


def test_no_gradient_left_is_gain_zero():
    x, _ = data()
    net = MLP([6, 8, 1], "tanh", head="regression")
    report = measure(net, x, net(x))
    assert report.gain == 0.0
    assert report.layers[0].gain == 0.0
    alone = measure(net, x[:1], [1.0])
    assert [layer.spread for layer in alone.layers] == [0.0, 0.0]


# Printing and convenience -------------------------------------------------------------------


def test_table():
    report = through_depth("tanh", depth=3, width=16, n=32, rng=0)
    lines = str(report).splitlines()
    assert lines[0].split() == ["layer", "mean", "spread", "signal", "gradient", "dead",
                                "sat.", "|dL/dW|", "verdict"]  # fmt: skip
    assert [line.split("  ")[0].strip() for line in lines[1:6]] == [
        *(layer.name for layer in report.layers),
        "product",
    ]
    for line, layer in zip(lines[1:4], report.layers, strict=False):
        assert line.split()[4:6] == [f"{layer.signal_gain:.3g}", f"{layer.gain:.3g}"]
    assert lines[4].split()[3:5] == ["-", "-"]
    assert lines[5].split() == ["product", f"{report.signal_gain:.3g}", f"{report.gain:.3g}"]
    assert " ".join(lines[6:]) == f"healthy: {report.why}"
    assert str(report) == str(through_depth("tanh", depth=3, width=16, n=32, rng=0))
    deep = str(through_depth("relu", scaled(0.5), 100, width=8, n=16)).splitlines()
    assert deep[1].startswith("hidden 1   ")
    assert deep[100].startswith("hidden 100 ")
    assert max(map(len, deep)) <= 80


def test_through_depth_takes_seed_or_generator():
    sizes = {"depth": 2, "width": 8, "n": 16}
    one = repr(through_depth("relu", **sizes, rng=3))
    assert one == repr(through_depth("relu", **sizes, rng=np.random.default_rng(3)))
    assert one != repr(through_depth("relu", **sizes, rng=4))
    assert through_depth("relu", depth=0, width=8, n=16).healthy
    with pytest.raises(ValueError, match="depth must be a whole number of at least 0, got -1"):
        through_depth("relu", depth=-1)
    for name, wrong in [("n", 0), ("width", 0), ("width", 2.0), ("n", True)]:
        message = f"^{name} must be a whole number of at least 1, got {wrong}$"
        with pytest.raises(ValueError, match=message):
            through_depth("relu", **{name: wrong})
    assert through_depth("relu", depth=1, width=1, n=1).layers[0].shape == (1, 1)


def test_what_is_not_said_is_ten_layers_of_64_units_and_256_examples():
    said = {"depth": 10, "width": 64, "n": 256, "rng": 0}
    assert repr(through_depth("tanh")) == repr(through_depth("tanh", **said))


def test_a_mean_of_a_hundred_and_more_is_written_with_its_power():
    report = through_depth("tanh", depth=1, width=4, n=8)
    for mean, written in [
        (-9.9, "-9.900"),
        (-99.9, "-99.90"),
        (100.0, "1.0e+02"),
        (-100.5, "-1.0e+02"),
    ]:
        layers = [replace(layer, mean=mean) for layer in report.layers]
        for row in str(replace(report, layers=tuple(layers))).splitlines()[1:3]:
            assert f" {written} " in row


def test_the_table_is_as_narrow_as_its_names_allow():
    lines = str(through_depth("tanh", depth=1, width=4, n=8)).splitlines()
    assert lines[0].startswith("layer       mean ")
    assert [line[:10] for line in lines[1:3]] == ["hidden 1  ", "output    "]


def test_codes_and_errors():
    assert CODES[0] == "non-finite"
    assert CODES[-1] == "healthy"
    x, y = data()
    with pytest.raises(ValueError, match=r"shape \(n, 6\), got \(40, 5\)"):
        measure(MLP([6, 1]), x[:, :5], y)
    with pytest.raises(ValueError, match="at least one example"):
        measure(MLP([6, 1]), x[:0], y[:0])


def test_the_last_line_is_wrapped_at_eighty_letters():
    report = replace(through_depth("relu"), verdict="dead-units", gain=1.0)
    start = len("dead-units: ")
    for letters, lines in [(80 - start, 1), (81 - start, 2)]:
        said = str(replace(report, why="a " + (letters - 2) * "b")).splitlines()
        assert len(said) == len(report.layers) + 2 + lines
