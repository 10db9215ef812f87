"""Twelve activations against Keras, SciPy and finite differences.

Every value and slope is held against an oracle that shares no line with the package; extreme
input against limits written down by hand.
"""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import optimize, special, stats

from livegrad import activations, initializers
from livegrad.activations import (
    Activation,
    elu,
    gelu,
    get,
    leaky_relu,
    log_softmax,
    relu,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
)

REPEATABLE = settings(derandomize=True, deadline=None)  # the same examples each time
INF, NAN = math.inf, math.nan
VECTOR = ("softmax", "log_softmax")
ELEMENTWISE = tuple(name for name in activations.NAMES if name not in VECTOR)
KINKED = ("relu", "leaky_relu", "elu", "selu")
TYPES = (np.float16, np.float32, np.float64)
ALPHA, SCALE = 1.6732632423543772, 1.0507009873554805

# Name and parameters: the defaults and, where there are parameters, others.
CASES = [(name, {}) for name in ELEMENTWISE] + [
    ("leaky_relu", {"negative_slope": 0.3}),
    ("leaky_relu", {"negative_slope": -0.5}),
    ("elu", {"alpha": 0.5}),
    ("elu", {"alpha": 2.0}),
    ("gelu", {"approximate": True}),
]

# SciPy and NumPy forms that are right where nothing is extreme.
ORACLES = {
    "linear": lambda x: x,
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "relu": lambda x: np.where(x < 0, 0, x),
    "leaky_relu": lambda x: np.where(x < 0, 0.01 * x, x),
    "elu": lambda x: np.where(x < 0, special.expm1(np.minimum(x, 0)), x),
    "selu": lambda x: SCALE * np.where(x < 0, ALPHA * special.expm1(np.minimum(x, 0)), x),
    "softplus": lambda x: np.logaddexp(0, x),
    "silu": lambda x: x * special.expit(x),
    "gelu": lambda x: x * stats.norm.cdf(x),
}
SLOPES = {
    "linear": np.ones_like,
    "sigmoid": lambda x: special.expit(x) * special.expit(-x),
    "tanh": lambda x: 1 / np.cosh(x) ** 2,
    "relu": lambda x: np.heaviside(x, 0),
    "leaky_relu": lambda x: np.where(x > 0, 1, 0.01),
    "elu": lambda x: np.exp(np.minimum(x, 0)),
    "selu": lambda x: SCALE * np.where(x > 0, 1, ALPHA * np.exp(np.minimum(x, 0))),
    "softplus": special.expit,
    "silu": lambda x: special.expit(x) * (1 + x * special.expit(-x)),
    "gelu": lambda x: stats.norm.cdf(x) + x * stats.norm.pdf(x),
}

# The limits of value and slope at -inf and +inf.
LIMITS = {
    "linear": ((-INF, 1), (INF, 1)),
    "sigmoid": ((0, 0), (1, 0)),
    "tanh": ((-1, 0), (1, 0)),
    "relu": ((0, 0), (INF, 1)),
    "leaky_relu": ((-INF, 0.01), (INF, 1)),
    "elu": ((-1, 0), (INF, 1)),
    "selu": ((-SCALE * ALPHA, 0), (INF, SCALE)),
    "softplus": ((0, 0), (INF, 1)),
    "silu": ((0, 0), (INF, 1)),
    "gelu": ((0, 0), (INF, 1)),
}

finite = st.floats(-30, 30, allow_nan=False)
anything = arrays(
    st.sampled_from(TYPES), st.integers(0, 5), elements=st.floats(width=16, allow_nan=True)
)


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras", reason="the oracle is Keras")


@pytest.fixture(scope="module")
def in_keras(keras):
    """Value and, for each ``upstream``, dL/dx of Keras's function of the same name."""
    tf = pytest.importorskip("tensorflow", reason="it differentiates for Keras")

    def run(name, x, upstream=None, **parameters):
        function = getattr(keras.activations, name)
        x = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = function(x, **parameters)
        return value.numpy(), tape.gradient(value, x, output_gradients=upstream).numpy()

    return run


def keras_parameters(name, parameters):
    """Spell out what Keras has another default for."""
    return {"negative_slope": 0.01, **parameters} if name == "leaky_relu" else parameters


def difference(function, x, step=1e-5):
    """Central finite difference."""
    return (function(x + step) - function(x - step)) / (2 * step)


# What there is


def test_names_are_those_of_the_module_in_the_order_of_the_lesson():
    assert activations.NAMES == (
        "linear",
        "sigmoid",
        "tanh",
        "relu",
        "leaky_relu",
        "elu",
        "selu",
        "softplus",
        "silu",
        "gelu",
        "softmax",
        "log_softmax",
    )
    for name in activations.NAMES:
        assert getattr(activations, name) is get(name)
        assert get(name).name == name
        assert get(get(name)) is get(name)
    assert set(activations.__all__) == {*activations.NAMES, "NAMES", "Activation", "get"}


@pytest.mark.parametrize("name", ["foo", "ReLU", "", None, 3, ["relu"], relu.derivative])
def test_unknown_name(name):
    with pytest.raises(ValueError, match=r"unknown activation .*; known: linear, sigmoid, tanh"):
        get(name)


@pytest.mark.parametrize("name", activations.NAMES)
def test_activations_can_be_keys_copied_and_pickled(name):
    one = get(name)
    assert {one: 1}[one] == 1
    for again in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert again == one
        assert hash(again) == hash(one)
    with pytest.raises(dataclasses.FrozenInstanceError):
        one.name = "other"


# Values and slopes against the oracles


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_value_and_slope_against_scipy(name):
    x = np.linspace(-30, 30, 6001)  # (6001,)
    np.testing.assert_allclose(get(name)(x), ORACLES[name](x), rtol=1e-12, atol=1e-300)
    # norm.cdf + x * norm.pdf cancels on the far left: both sides have the error of its terms.
    atol = 1e-15 if name in ("gelu", "silu") else 1e-300
    np.testing.assert_allclose(get(name).derivative(x), SLOPES[name](x), rtol=1e-12, atol=atol)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("name", "parameters"), CASES)
def test_value_and_slope_against_keras(in_keras, name, parameters, dtype):
    x = np.concatenate([np.linspace(-12, 12, 481), [-0.01, 0.01, -80.0, 80.0]]).astype(dtype)
    x = x[x != 0] if name == "selu" else x  # at 0 they take another side: tested below
    value, slope = in_keras(name, x, **keras_parameters(name, parameters))  # (485,) each
    # Keras turns some of its constants into float32, and loses digits on the far left, where it
    # takes the difference of terms near 1 (and in GELU's tanh form multiplies it by up to 15).
    eps = float(np.finfo(dtype).eps)
    lost = 8 * eps * (15 if "approximate" in parameters else 1)
    close = {"rtol": max(1e-6, 8 * eps), "atol": max(1e-7, lost)}
    for ours, theirs in [
        (get(name)(x, **parameters), value),
        (get(name).derivative(x, **parameters), slope),
    ]:
        assert ours.dtype == theirs.dtype == dtype
        np.testing.assert_allclose(ours.astype(float), theirs.astype(float), **close)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", VECTOR)
@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_softmax_and_its_logarithm_against_keras_and_scipy(in_keras, name, axis, dtype):
    rng = np.random.default_rng(0)
    z, upstream = (3 * rng.standard_normal((2, 4, 5, 3))).astype(dtype)  # (4, 5, 3) each
    value, gradient = in_keras(name, z, upstream, axis=axis)
    computed = get(name)(z, axis=axis)
    eps = float(np.finfo(dtype).eps)
    close = {"rtol": max(1e-6, 8 * eps), "atol": max(1e-7, 8 * eps * np.abs(value).max())}
    np.testing.assert_allclose(computed, value, **close)
    exact = getattr(special, name)(z.astype(float), axis=axis)
    np.testing.assert_allclose(computed, exact, rtol=max(1e-13, 8 * eps), atol=eps)
    if axis == -1:
        np.testing.assert_allclose(get(name).vjp(z, upstream), gradient, **close)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize(("name", "parameters"), CASES)
@REPEATABLE
@given(x=finite)
def test_slope_is_the_finite_difference(name, parameters, dtype, x):
    if name in KINKED and abs(x) < 1e-4:
        return  # the difference would straddle the kink
    x = dtype(x)
    # The difference itself needs digits that the short types do not have.
    measured = difference(lambda at: float(get(name)(at, **parameters)), float(x))
    slope = float(get(name).derivative(x, **parameters))
    eps = float(np.finfo(dtype).eps)
    assert slope == pytest.approx(measured, rel=max(1e-6, 2 * eps), abs=max(1e-8, 10 * eps**2))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("softmax", {}),
        ("softmax", {"temperature": 0.5}),
        ("softmax", {"temperature": 4.0}),
        ("log_softmax", {}),
    ],
)
@REPEATABLE
@given(z=arrays(float, (2, 3), elements=st.floats(-10, 10)))
def test_jacobian_is_the_finite_difference(name, parameters, z):
    jacobian = get(name).jacobian(z, **parameters)
    assert jacobian.shape == (2, 3, 3)
    for j in range(3):
        step = np.eye(3)[j]  # (3,)
        moved = difference(lambda t, d=step: get(name)(z + t * d, **parameters), 0.0)  # (2, 3)
        np.testing.assert_allclose(jacobian[..., j], moved, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", activations.NAMES)
def test_vjp_is_upstream_times_slope_or_jacobian(name):
    x, upstream = np.random.default_rng(1).standard_normal((2, 6, 4))  # (6, 4) each
    one = get(name)
    if one.elementwise:
        expected = upstream * one.derivative(x)  # (6, 4)
    else:
        expected = np.einsum("ni,nij->nj", upstream, one.jacobian(x))  # (6, 4)
    np.testing.assert_allclose(one.vjp(x, upstream), expected, rtol=1e-12, atol=1e-15)


def test_vjp_follows_replaced_defaults():
    x, upstream = np.random.default_rng(2).standard_normal((2, 6, 4))  # (6, 4) each
    steep = dataclasses.replace(leaky_relu, parameters={"negative_slope": 0.5})
    np.testing.assert_array_equal(steep.vjp(x, upstream), upstream * np.where(x > 0, 1, 0.5))
    soft = dataclasses.replace(softmax, parameters={"temperature": 3.0})
    expected = np.einsum("ni,nij->nj", upstream, softmax.jacobian(x, temperature=3.0))
    np.testing.assert_allclose(soft.vjp(x, upstream), expected, rtol=1e-12, atol=1e-15)


# Kinks, signs and infinities


def test_the_value_of_leaky_relu_at_the_kink_is_the_left_one():
    assert math.copysign(1, leaky_relu(0.0, negative_slope=-0.5)) == -1
    assert math.copysign(1, leaky_relu(-0.0, negative_slope=-0.5)) == 1


def test_slope_at_the_kink_is_the_left_one():
    for zero in (0.0, -0.0):
        assert relu.derivative(zero) == 0
        assert leaky_relu.derivative(zero) == 0.01
        assert leaky_relu.derivative(zero, negative_slope=0.2) == 0.2
        assert elu.derivative(zero) == 1
        assert elu.derivative(zero, alpha=0.5) == 0.5
        assert selu.derivative(zero) == pytest.approx(SCALE * ALPHA, rel=1e-15)


def test_slope_at_the_kink_is_tensorflows_but_for_selu(in_keras):
    zero = np.zeros(1)  # (1,)
    assert in_keras("relu", zero)[1] == relu.derivative(zero)
    assert in_keras("leaky_relu", zero, negative_slope=0.2)[1] == pytest.approx(0.2)
    assert in_keras("elu", zero, alpha=0.5)[1] == elu.derivative(zero, alpha=0.5)
    assert in_keras("selu", zero)[1] == pytest.approx(SCALE, rel=1e-6)


@pytest.mark.parametrize("name", ["linear", "tanh", "leaky_relu", "elu", "selu", "silu", "gelu"])
@pytest.mark.parametrize("dtype", TYPES)
def test_minus_zero_keeps_its_sign(name, dtype):
    values = get(name)(np.array([-0.0, 0.0], dtype))  # (2,)
    assert (values == 0).all()
    assert np.signbit(values).tolist() == [True, False]


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("dtype", TYPES)
def test_limits_at_infinity(name, dtype):
    x = np.array([-INF, INF], dtype)  # (2,)
    value, slope = np.array(LIMITS[name]).T  # (2,) each
    rtol = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(get(name)(x), value, rtol=rtol)
    np.testing.assert_allclose(get(name).derivative(x), slope, rtol=rtol)


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("dtype", TYPES)
def test_ten_thousand_is_as_good_as_infinity(name, dtype):
    x = np.array([-1e4, 1e4], dtype)  # (2,)
    value, slope = np.array(LIMITS[name]).T  # (2,) each
    straight = {"linear": (-1e4, 1e4), "leaky_relu": (-100, 1e4), "selu": (value[0], SCALE * 1e4)}
    value = np.array(straight.get(name, np.where(np.isinf(value), 1e4, value)))
    rtol = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(get(name)(x), value, rtol=rtol)
    np.testing.assert_allclose(get(name).derivative(x), slope, rtol=rtol)


def test_far_tails_keep_their_digits():
    assert sigmoid(-700.0) == pytest.approx(math.exp(-700), rel=1e-12)
    assert sigmoid.derivative(700.0) == pytest.approx(math.exp(-700), rel=1e-12)
    assert softplus(-700.0) == pytest.approx(math.exp(-700), rel=1e-12)
    assert activations.tanh.derivative(20.0) == pytest.approx(4 * math.exp(-40), rel=1e-12)
    assert elu(-1e-12) == pytest.approx(-1e-12, rel=1e-9)
    assert silu(-700.0) == pytest.approx(-700 * math.exp(-700), rel=1e-12)
    # x Phi(x), from the logarithm of the distribution function.
    assert gelu(-30.0) == pytest.approx(-30 * math.exp(stats.norm.logcdf(-30)), rel=1e-11)
    assert log_softmax([0.0, 1e4])[0] == -1e4


@pytest.mark.parametrize(
    ("z", "expected"),
    [
        ([INF, 0.0, -1.0], [1, 0, 0]),
        ([INF, 0.0, INF], [0.5, 0, 0.5]),
        ([INF, -INF, INF], [0.5, 0, 0.5]),
        ([-INF, -INF], [0.5, 0.5]),
        ([-INF, 0.0, 0.0], [0, 0.5, 0.5]),
        ([1e4, -1e4], [1, 0]),
        ([1e4, 1e4], [0.5, 0.5]),
        ([INF], [1]),
        ([-INF], [1]),
    ],
)
@pytest.mark.parametrize("dtype", TYPES)
def test_softmax_of_infinite_logits(z, expected, dtype):
    z = np.array(z, dtype)
    np.testing.assert_array_equal(softmax(z), np.array(expected, dtype))
    for temperature in (1e-300, 1e-6, 0.5, 2):
        np.testing.assert_array_equal(softmax(z, temperature=temperature), expected)
    with np.errstate(divide="ignore"):
        logarithm = np.log(expected)
    far = logarithm == -INF
    computed = log_softmax(z)
    np.testing.assert_allclose(computed[~far], logarithm[~far], rtol=2 * np.finfo(dtype).eps)
    assert (computed[far] <= -19_000).all()  # -inf, or the difference of 1e4 and -1e4
    p = np.array(expected)
    np.testing.assert_allclose(softmax.jacobian(z), np.diag(p) - np.outer(p, p), atol=1e-7)
    np.testing.assert_allclose(log_softmax.jacobian(z), np.eye(len(p)) - p, atol=1e-7)


def test_an_infinite_logit_takes_all_at_any_temperature():
    z = [np.inf, 0.0, np.inf, 1.0]
    assert activations.softmax(z, temperature=1e-3).tolist() == [0.5, 0.0, 0.5, 0.0]


def test_softmax_spans_the_whole_float64_range():
    largest = np.finfo(np.float64).max
    np.testing.assert_array_equal(softmax([largest, -largest]), [1, 0])
    np.testing.assert_array_equal(log_softmax([largest, -largest]), [0, -INF])


@pytest.mark.parametrize("name", activations.NAMES)
def test_nan_passes_through(name):
    one = get(name)
    x = np.array([[NAN, 0.0, 1.0], [0.0, 1.0, INF]])  # (2, 3)
    if one.elementwise:
        np.testing.assert_array_equal(np.isnan(one(x)), np.isnan(x))
        np.testing.assert_array_equal(np.isnan(one.derivative(x)), np.isnan(x))
    else:  # the whole row depends on it, the other row does not
        assert np.isnan(one(x)).all(axis=1).tolist() == [True, False]
        assert not np.isnan(one(x)[1]).any()


# Types, shapes and warnings


@pytest.mark.parametrize("name", activations.NAMES)
@pytest.mark.parametrize("dtype", [*TYPES, np.int8, np.uint8, np.int64, np.bool_])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 1, 3), (0,), (0, 3), (3, 0)])
def test_type_and_shape_are_kept_and_integers_become_float64(name, dtype, shape):
    x = np.ones(shape, dtype)
    expected = dtype if dtype in TYPES else np.float64
    one = get(name)
    results = [one(x), one.vjp(x, x)]
    results += [one.derivative(x)] if one.elementwise else [one(x, axis=0)]
    for result in results:
        assert type(result) is np.ndarray
        assert (result.dtype, result.shape) == (expected, shape)
    if not one.elementwise:
        jacobian = one.jacobian(x)
        assert (jacobian.dtype, jacobian.shape) == (expected, (*shape, shape[-1]))


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("x", [2, 2.0, True, np.float32(2), np.float16(2), np.array(2.0)])
def test_numbers_give_numbers(name, x):
    one = get(name)
    for result in (one(x), one.derivative(x), one.vjp(x, x)):
        assert result.shape == ()
        kept = np.asarray(x).dtype
        assert result.dtype == (kept if kept.kind == "f" else np.float64)
        assert math.isfinite(float(result))


def test_integers_are_computed_as_their_floats():
    x = np.arange(-5, 6)  # (11,)
    for name in ELEMENTWISE:
        np.testing.assert_array_equal(get(name)(x), get(name)(x.astype(float)))
    np.testing.assert_array_equal(sigmoid(np.uint8(200)), sigmoid(200.0))
    assert relu([[-1, 2]]).tolist() == [[0.0, 2.0]]


@pytest.mark.parametrize("name", ELEMENTWISE)
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_short_types_are_right_to_their_last_digits(name, dtype):
    x = np.linspace(-9, 9, 721).astype(dtype)  # (721,)
    exact = x.astype(np.float64)
    # 2 eps of the result; the erfc and exp of float32 multiply the input's rounding by up to x^2.
    tolerance = {"rtol": np.finfo(dtype).eps * (2 if dtype == np.float16 else 100), "atol": 1e-7}
    np.testing.assert_allclose(get(name)(x), get(name)(exact), **tolerance)
    np.testing.assert_allclose(get(name).derivative(x), get(name).derivative(exact), **tolerance)


@pytest.mark.parametrize("name", activations.NAMES)
@REPEATABLE
@given(x=anything, upstream=st.sampled_from([0.0, 1.0, -INF, NAN, 6e4]))
def test_never_a_warning_and_nan_only_from_nan(name, x, upstream):
    one = get(name)
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        value = one(x)
        slope = one.derivative(x) if one.elementwise else one.jacobian(x)
        one.vjp(x, np.full_like(x, upstream))
    if not np.isnan(x).any():
        assert not np.isnan(value).any()
        assert not np.isnan(slope).any()


def test_a_step_back_does_not_raise_where_floats_do():
    with np.errstate(all="raise"):
        assert activations.sigmoid.vjp([300.0], [1e-300]).tolist() == [0.0]
        assert activations.softmax.vjp([[0.0, 300.0]], [[1e-300, 0.0]]).tolist() == [[0.0, 0.0]]


def test_extreme_parameters_do_not_warn():
    x = np.array([-INF, -1e4, -1, -1e-3, 0, 1, INF], np.float32)  # (7,)
    with np.errstate(all="raise"):
        for size in (1e-300, 1e30, 1e300):
            for method in (elu, elu.derivative):
                assert method(x, alpha=size)[-2:].tolist() in ([1, INF], [1, 1])
            for method in (leaky_relu, leaky_relu.derivative):
                assert method(x, negative_slope=-size)[-2:].tolist() in ([1, INF], [1, 1])
            p = softmax(x, temperature=size)
            assert p.tolist() == [0, 0, 0, 0, 0, 0, 1]
            np.testing.assert_array_equal(softmax.jacobian(x, temperature=size), np.zeros((7, 7)))
        largest = np.finfo(np.float64).max
        sizes = np.array([-largest, largest])  # (2,)
        assert selu.vjp(sizes, sizes).tolist() == [0, INF]


@pytest.mark.parametrize("name", activations.NAMES)
def test_the_input_is_left_alone(name):
    x = np.array([-1.0, 0.0, 2.0])  # (3,)
    result = get(name)(x)
    assert not np.shares_memory(result, x)
    result[:] = 7
    assert x.tolist() == [-1.0, 0.0, 2.0]


# Parameters


def test_defaults():
    shown = {name: dict(get(name).parameters) for name in activations.NAMES}
    assert {name: own for name, own in shown.items() if own} == {
        "leaky_relu": {"negative_slope": 0.01},
        "elu": {"alpha": 1.0},
        "gelu": {"approximate": False},
        "softmax": {"temperature": 1.0},
    }
    for name, own in shown.items():
        x = np.linspace(-2, 2, 5)  # (5,)
        np.testing.assert_array_equal(get(name)(x), get(name)(x, **own))


def test_numpy_scalars_are_parameters_and_do_not_change_the_type():
    x = np.array([-2, 1], np.float32)  # (2,)
    assert leaky_relu(x, negative_slope=np.float64(0.5)).tolist() == [-1, 1]
    assert leaky_relu(x, negative_slope=np.float64(0.5)).dtype == np.float32
    assert elu.derivative(x, alpha=2).dtype == np.float32
    assert softmax(x, temperature=np.float64(3)).dtype == np.float32
    assert gelu(x, approximate=np.True_).tolist() == gelu(x, approximate=True).tolist()


def test_temperature_divides_the_logits():
    z = np.array([1.0, 2.0, 4.0])  # (3,)
    np.testing.assert_allclose(softmax(z, temperature=0.25), special.softmax(4 * z), rtol=1e-14)
    np.testing.assert_allclose(softmax(z, temperature=1e12), np.full(3, 1 / 3), rtol=1e-9)
    np.testing.assert_array_equal(softmax(z, temperature=1e-12), [0, 0, 1])


@REPEATABLE
@given(z=arrays(float, (4, 3), elements=finite), shift=finite)
def test_softmax_is_a_distribution_and_ignores_a_shift(z, shift):
    p = softmax(z)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-14)
    np.testing.assert_allclose(softmax(z + shift), p, rtol=1e-12)
    np.testing.assert_allclose(np.exp(log_softmax(z)), p, rtol=1e-12)


@pytest.mark.parametrize("dtype", TYPES)
@REPEATABLE
@given(z=arrays(int, (4, 3), elements=st.integers(-64, 64)), shift=st.integers(-64, 64))
def test_softmax_in_every_type_is_a_distribution_and_ignores_a_shift(dtype, z, shift):
    # Eighths, so that the shifted logits are exact in float16 too and nothing may change.
    one, moved = (z / 8).astype(dtype), ((z + shift) / 8).astype(dtype)  # (4, 3) each
    p = softmax(one)
    assert p.dtype == dtype and (p >= 0).all()
    np.testing.assert_allclose(p.astype(float).sum(axis=-1), 1, rtol=2 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(softmax(moved), p)
    np.testing.assert_array_equal(log_softmax(moved), log_softmax(one))


@pytest.mark.parametrize("dtype", TYPES)
@REPEATABLE
@given(x=finite)
def test_sigmoid_is_symmetric_in_every_type(dtype, x):
    x = dtype(x)
    eps = float(np.finfo(dtype).eps)
    assert float(sigmoid(x)) + float(sigmoid(-x)) == pytest.approx(1, rel=eps)
    assert sigmoid.derivative(x) == sigmoid.derivative(-x)
    assert activations.tanh(-x) == -activations.tanh(x)


@REPEATABLE
@given(a=finite, b=finite)
def test_softmax_of_two_is_the_sigmoid_of_the_difference(a, b):
    assert softmax([a, b])[0] == pytest.approx(float(sigmoid(a - b)), rel=1e-12)


# What is known of each


def extremes(function):
    """Smallest and largest value of ``function`` on the line, each polished by a bounded search."""
    x = np.concatenate([[-INF, -1e4], np.linspace(-12, 12, 4801), [1e4, INF]])
    values = function(x)
    found = []
    for sign, at in ((1, values.argmin()), (-1, values.argmax())):
        best = float(values[at])
        if abs(x[at]) < 12:
            polished = optimize.minimize_scalar(
                lambda t, sign=sign: sign * float(function(t)),
                bounds=(x[at] - 0.01, x[at] + 0.01),
                method="bounded",
                options={"xatol": 1e-10},
            )
            best = sign * min(sign * best, polished.fun)
        found.append(best)
    return tuple(found)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_range_and_largest_slope_are_those_measured(name):
    one = get(name)
    assert extremes(one) == pytest.approx(one.range, rel=1e-12)
    assert extremes(one.derivative)[1] == pytest.approx(one.max_slope, rel=1e-12)


@pytest.mark.parametrize("name", activations.NAMES)
def test_zero_centred_means_outputs_of_both_signs(name):
    low, high = get(name).range
    assert get(name).signed == (low < 0 < high)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_saturates_where_the_slope_goes_to_zero(name):
    one = get(name)
    left, right = one.derivative(np.array([-40.0, 40.0])) < 1e-15
    assert {(True, True): "both", (True, False): "left", (False, False): "no"}[
        bool(left), bool(right)
    ] == one.saturates


def test_metadata_of_softmax_and_its_logarithm():
    t = np.linspace(-30, 30, 6001)  # (6001,)
    z = np.stack([t, np.zeros_like(t)], axis=-1)  # (6001, 2)
    for one in (softmax, log_softmax):
        assert not one.elementwise
        values = one(np.concatenate([z, [[INF, 0.0], [-INF, 0.0]]]))
        assert (values.min(), values.max()) == one.range
        largest = np.abs(one.jacobian(z)).max()
        assert largest == pytest.approx(one.max_slope, rel=1e-12)
    ends = np.array([[-40.0, 0.0], [40.0, 0.0]])  # (2, 2)
    own = np.abs(softmax.jacobian(ends)[:, 0, 0])
    assert (own < 1e-15).all() and softmax.saturates == "both"
    # A class that is far behind keeps a slope of 1: the reason for losses made of logarithms.
    own = log_softmax.jacobian(ends)[:, 0, 0]
    assert own[0] == pytest.approx(1) and log_softmax.saturates == "no"


def test_pairings():
    pairs = {name: get(name).initializer for name in activations.NAMES}
    assert pairs == {
        "linear": "glorot_uniform",
        "sigmoid": "glorot_uniform",
        "tanh": "glorot_uniform",
        "relu": "he_normal",
        "leaky_relu": "he_normal",
        "elu": "he_normal",
        "selu": "lecun_normal",
        "softplus": "he_normal",
        "silu": "he_normal",
        "gelu": "he_normal",
        "softmax": "glorot_uniform",
        "log_softmax": "glorot_uniform",
    }
    assert set(pairs.values()) <= set(initializers.NAMES)


def test_selu_keeps_mean_zero_and_variance_one():
    """The fixed point of Klambauer et al. 2017, by quadrature over a standard normal input."""
    x = np.linspace(-12, 12, 240_001)  # (240001,)
    density = stats.norm.pdf(x)
    mean = np.trapezoid(selu(x) * density, x)
    variance = np.trapezoid(selu(x) ** 2 * density, x) - mean**2
    assert mean == pytest.approx(0, abs=1e-7)
    assert variance == pytest.approx(1, abs=1e-7)


# Errors


@pytest.mark.parametrize("name", activations.NAMES)
@pytest.mark.parametrize("x", [1j, "a", None, [None], {}, np.array(["1"]), np.datetime64("2020")])
def test_what_is_not_a_real_number(name, x):
    one = get(name)
    slope = one.derivative if one.elementwise else one.jacobian
    for function in (one, slope, lambda x: one.vjp(x, x)):
        with pytest.raises(TypeError, match=r"^[xz] must hold real numbers, got dtype"):
            function(x)


@pytest.mark.parametrize("name", activations.NAMES)
def test_upstream_that_does_not_fit(name):
    one = get(name)
    with pytest.raises(ValueError, match=r"upstream must have x's shape \(2,\), got \(3,\)"):
        one.vjp([1.0, 2.0], [1.0, 2.0, 3.0])
    with pytest.raises(TypeError, match="upstream must hold real numbers"):
        one.vjp([1.0, 2.0], ["a", "b"])


@pytest.mark.parametrize("name", VECTOR)
def test_softmax_has_a_jacobian_instead_of_a_derivative(name):
    with pytest.raises(TypeError, match=rf"use {name}\.jacobian"):
        get(name).derivative([1.0, 2.0])
    for function in (get(name), get(name).jacobian, lambda x: get(name).vjp(x, x)):
        with pytest.raises(ValueError, match=f"{name} needs at least one axis, got the number 1"):
            function(1.0)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_activations_have_a_derivative_instead_of_a_jacobian(name):
    with pytest.raises(TypeError, match=rf"use {name}\.derivative"):
        get(name).jacobian([1.0, 2.0])
    with pytest.raises(TypeError, match=f"{name} is elementwise: it has no parameter 'axis'"):
        get(name)([1.0, 2.0], axis=0)


@pytest.mark.parametrize("name", VECTOR)
@pytest.mark.parametrize("axis", [1, -2, 3])
def test_axis_out_of_range(name, axis):
    with pytest.raises(ValueError, match=rf"axis must be in \[-1, 1\), got {axis}"):
        get(name)([1.0, 2.0], axis=axis)


@pytest.mark.parametrize("axis", [1.0, "0", True, (0,)])
def test_axis_of_a_wrong_type(axis):
    with pytest.raises(TypeError, match="axis must be an int, got"):
        softmax([1.0, 2.0], axis=axis)


@pytest.mark.parametrize(
    ("name", "parameter"),
    [("leaky_relu", "negative_slope"), ("elu", "alpha"), ("softmax", "temperature")],
)
def test_parameters_out_of_their_range(name, parameter):
    one = get(name)
    for function in (one, one.derivative if one.elementwise else one.jacobian):
        for value in (INF, -INF, NAN):
            with pytest.raises(ValueError, match=f"{parameter} must be finite, got {value}"):
                function([1.0], **{parameter: value})
        for value in ("0.1", None, [0.1], 1j, True):
            with pytest.raises(TypeError, match=f"{parameter} must be a number, got"):
                function([1.0], **{parameter: value})
        with pytest.raises(TypeError, match=rf"has no parameter 'beta'; it has: {parameter}$"):
            function([1.0], beta=1.0)


@pytest.mark.parametrize("temperature", [0, 0.0, -1.0])
def test_temperature_is_above_zero(temperature):
    for function in (softmax, softmax.jacobian):
        with pytest.raises(ValueError, match=f"temperature must be above 0, got {temperature}"):
            function([1.0, 2.0], temperature=temperature)


@pytest.mark.parametrize("value", ["tanh", 1, 0.0, None])
def test_approximate_is_true_or_false(value):
    for function in (gelu, gelu.derivative):
        with pytest.raises(TypeError, match="approximate must be True or False, got"):
            function([1.0], approximate=value)


def test_parameters_where_there_are_none():
    with pytest.raises(TypeError, match="relu has no parameter 'alpha'; it has: none"):
        relu([1.0], alpha=1.0)
    with pytest.raises(TypeError, match="log_softmax has no parameter 'temperature'; it has: none"):
        log_softmax.jacobian([1.0], temperature=2.0)
    assert isinstance(relu, Activation)


def test_all_parameters_are_named():
    two = dataclasses.replace(activations.elu, parameters={"alpha": 1.0, "beta": 2.0})
    with pytest.raises(TypeError, match=r"^elu has no parameter 'gamma'; it has: alpha, beta$"):
        two(1.0, gamma=3.0)


def test_gelu_is_computed_in_its_own_type_and_in_float64_where_that_is_wider():
    x = np.linspace(-3, 3, 301).astype(np.float32)
    cdf = np.float32(0.5) * special.erfc(-x / np.float32(math.sqrt(2)))
    np.testing.assert_array_equal(gelu(x), cdf * x)
    wide = x.astype(np.longdouble)
    for of in (gelu, gelu.derivative):
        assert of(wide).dtype == np.longdouble
        np.testing.assert_allclose(of(wide), of(x.astype(float)), rtol=1e-15, atol=1e-16)


def test_float16_is_computed_in_float32_and_rounded_once():
    x = np.arange(2**16, dtype=np.uint16).view(np.float16)
    x = x[np.isfinite(x)]
    for use in (activations.sigmoid, activations.silu.derivative):
        np.testing.assert_array_equal(use(x), use(x.astype(np.float32)).astype(np.float16))
