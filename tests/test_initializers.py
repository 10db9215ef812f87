"""The first weights against Keras, SciPy and the papers' formulas.

Statistical tests have fixed seeds. Their tolerance is six standard errors: with a correct
initializer about one draw in 5e8 would miss it. Where whole distributions are compared
(Kolmogorov and Smirnov), the p-value must exceed 1e-4.
"""

from __future__ import annotations

import copy
import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from livegrad import activations, initializers
from livegrad.initializers import Initializer, fans, get

REPEATABLE = settings(derandomize=True, deadline=None)  # the same examples each time
ERRORS = 6  # standard errors
SHAPE = (300, 200)
SHAPES = [SHAPE, (200, 300), (5, 5, 40, 60), (3, 50, 200)]
CONSTANT = ("zeros", "ones", "constant")
RANDOM = tuple(name for name in initializers.NAMES if name not in CONSTANT)
UNIFORM = ("fan_in_uniform", "glorot_uniform", "he_uniform", "lecun_uniform")
NORMAL = ("glorot_normal", "he_normal", "lecun_normal")


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras", reason="the oracle is Keras")


def in_keras(keras, name, seed=0):
    if name == "constant":  # Keras has no default value
        return keras.initializers.Constant(0.0)
    if name in CONSTANT:
        return keras.initializers.get(name)
    if name == "fan_in_uniform":  # U[-1/sqrt(fan_in), 1/sqrt(fan_in)]: a third of LeCun's variance
        return keras.initializers.VarianceScaling(1 / 3, "fan_in", "uniform", seed=seed)
    return type(keras.initializers.get(name))(seed=seed)


def assert_moments(weights, mean, variance):
    """Assert the sample's mean and variance, each within its own standard error."""
    values = np.asarray(weights, np.float64).ravel()
    centred = values - mean
    mean_error = math.sqrt(variance / values.size)
    # Var of the mean square is (fourth moment - variance^2) / n.
    variance_error = math.sqrt(((centred**4).mean() - variance**2) / values.size)
    assert abs(centred.mean()) <= ERRORS * mean_error
    assert abs((centred**2).mean() - variance) <= ERRORS * variance_error


def test_names_are_those_of_the_module_in_the_order_of_the_lesson():
    assert initializers.NAMES == (
        "zeros",
        "ones",
        "constant",
        "random_uniform",
        "random_normal",
        "fan_in_uniform",
        "glorot_uniform",
        "glorot_normal",
        "he_uniform",
        "he_normal",
        "lecun_uniform",
        "lecun_normal",
        "orthogonal",
    )
    for name in initializers.NAMES:
        assert getattr(initializers, name) is get(name)
        assert get(name).name == name
        assert get(get(name)) is get(name)
    assert set(initializers.__all__) == {*initializers.NAMES, "NAMES", "Initializer", "fans", "get"}


@pytest.mark.parametrize("name", activations.NAMES)
def test_each_activation_is_paired_with_an_initializer_that_exists(name):
    assert get(activations.get(name).initializer).random


# Fans


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((), (1, 1)),
        (7, (7, 7)),
        ((7,), (7, 7)),
        ((64, 32), (64, 32)),
        ((3, 16, 32), (48, 96)),
        ((3, 5, 16, 32), (240, 480)),
        ([2, 3, 4, 5, 6], (120, 144)),
        (np.array([4, 3]), (4, 3)),
    ],
)
def test_fans(shape, expected):
    assert fans(shape) == expected
    assert all(type(fan) is int for fan in fans(shape))


def test_fans_are_counted_as_in_keras(keras):
    from keras.src.initializers.random_initializers import compute_fans

    @REPEATABLE
    @given(st.lists(st.integers(1, 50), max_size=5))
    def check(shape):
        assert fans(shape) == compute_fans(shape)

    check()


@REPEATABLE
@given(st.lists(st.integers(1, 9), max_size=3), st.integers(1, 50), st.integers(1, 50))
def test_fans_multiply_by_the_kernel_and_swap_with_the_channels(kernel, inputs, outputs):
    size = math.prod(kernel)
    assert fans((*kernel, inputs, outputs)) == (size * inputs, size * outputs)
    assert fans((*kernel, outputs, inputs)) == (size * outputs, size * inputs)


# Variances: the papers' formulas


@pytest.mark.parametrize("shape", [(64, 32), (3, 3, 16, 32)])
@pytest.mark.parametrize("kind", ["uniform", "normal"])
def test_variance_is_the_papers_formula(shape, kind):
    fan_in, fan_out = fans(shape)

    def variance(name, **own):
        return get(f"{name}_{kind}").variance(shape, **own)

    # Glorot and Bengio 2010, eq. 12; He et al. 2015, eqs. 10 and 15; LeCun et al. 1998, eq. 16.
    assert variance("glorot") == pytest.approx(2 / (fan_in + fan_out), rel=1e-15)
    assert variance("he") * fan_in / 2 == pytest.approx(1, rel=1e-15)
    assert variance("he", negative_slope=0.3) * fan_in * (1 + 0.3**2) / 2 == pytest.approx(1)
    assert variance("he", negative_slope=1) == pytest.approx(variance("lecun"), rel=1e-15)
    assert math.sqrt(variance("lecun")) == pytest.approx(fan_in**-0.5, rel=1e-15)


@pytest.mark.parametrize(
    ("name", "own", "expected"),
    [
        ("zeros", {}, 0),
        ("ones", {}, 0),
        ("constant", {"value": 3}, 0),
        ("random_uniform", {}, 0.1**2 / 12),
        ("random_uniform", {"minval": -1, "maxval": 2}, 9 / 12),
        ("random_normal", {}, 0.05**2),
        ("random_normal", {"mean": 5, "stddev": 2}, 4),
        ("fan_in_uniform", {}, 1 / (3 * 64)),
        ("orthogonal", {}, 1 / 64),
        ("orthogonal", {"gain": 2}, 4 / 64),
    ],
)
def test_variance_of_the_others(name, own, expected):
    value = get(name).variance((64, 32), **own)
    assert value == pytest.approx(expected, rel=1e-14)
    assert type(value) is float


@pytest.mark.parametrize("name", UNIFORM)
@pytest.mark.parametrize("shape", SHAPES)
def test_uniform_reaches_the_papers_limit_and_not_beyond(name, shape):
    fan_in, fan_out = fans(shape)
    limit = {
        "fan_in_uniform": 1 / math.sqrt(fan_in),  # Glorot and Bengio 2010, eq. 1
        "glorot_uniform": math.sqrt(6) / math.sqrt(fan_in + fan_out),  # their eq. 16
        "he_uniform": math.sqrt(6 / fan_in),
        "lecun_uniform": math.sqrt(3 / fan_in),
    }[name]
    weights = get(name)(shape, 0)
    assert np.abs(weights).max() <= limit * (1 + 1e-15)
    # The largest of n draws misses the limit by a share of about 1/n, by 20/n once in e^20.
    assert np.abs(weights).max() >= limit * (1 - 20 / weights.size)
    assert stats.kstest(weights.ravel(), stats.uniform(-limit, 2 * limit).cdf).pvalue > 1e-4


@pytest.mark.parametrize("name", NORMAL)
@pytest.mark.parametrize("shape", SHAPES)
def test_normal_is_scipys_truncated_normal(name, shape):
    weights = get(name)(shape, 0)
    before = math.sqrt(get(name).variance(shape)) / stats.truncnorm.std(-2, 2)
    assert np.abs(weights).max() <= 2 * before * (1 + 1e-14)
    assert np.abs(weights).max() >= 1.99 * before
    assert stats.kstest(weights.ravel(), stats.truncnorm(-2, 2, scale=before).cdf).pvalue > 1e-4


def test_the_truncation_is_corrected_by_scipys_standard_deviation():
    assert pytest.approx(stats.truncnorm.std(-2, 2), rel=1e-12) == initializers.TRUNCATED_STDDEV


def test_random_normal_is_not_truncated():
    weights = initializers.random_normal(SHAPE, 0, mean=1, stddev=0.5)
    assert np.abs(weights - 1).max() > 3 * 0.5
    assert stats.kstest(weights.ravel(), stats.norm(1, 0.5).cdf).pvalue > 1e-4


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [name for name in RANDOM if name != "orthogonal"])
def test_moments(name, shape):
    assert_moments(get(name)(shape, 1), 0, get(name).variance(shape))


@pytest.mark.parametrize("name", ["he_uniform", "he_normal"])
def test_moments_with_a_negative_slope(name):
    weights = get(name)(SHAPE, 1, negative_slope=0.5)
    assert_moments(weights, 0, 2 / (1.25 * 300))
    np.testing.assert_allclose(weights * math.sqrt(1.25), get(name)(SHAPE, 1), atol=1e-15)


def test_moments_with_own_parameters():
    uniform = initializers.random_uniform(SHAPE, 1, minval=1, maxval=4)
    assert 1 <= uniform.min() < 1.001 < 3.999 < uniform.max() < 4
    assert_moments(uniform, 2.5, 9 / 12)
    assert_moments(initializers.random_normal(SHAPE, 1, mean=-2, stddev=3), -2, 9)


# Keras


@pytest.mark.parametrize(
    ("shape", "dtype"),
    [(SHAPE, np.float64), ((3, 3, 50, 100), np.float32), (SHAPE, np.float16)],
)
@pytest.mark.parametrize("name", initializers.NAMES)
def test_statistics_are_those_of_keras(keras, name, shape, dtype):
    theirs = np.asarray(in_keras(keras, name)(shape), np.float64)
    ours = get(name)(shape, 0, dtype=dtype)
    assert ours.shape == theirs.shape and ours.dtype == dtype
    ours = ours.astype(np.float64)
    if name in CONSTANT:
        np.testing.assert_array_equal(ours, theirs)
        return
    # The two samples are independent, so the variance of the difference is the sum.
    variance = get(name).variance(shape)
    assert_moments(theirs, 0, variance)
    error = math.sqrt(2 * variance / ours.size)
    assert abs(ours.mean() - theirs.mean()) <= ERRORS * error
    assert ours.std() == pytest.approx(theirs.std(), rel=0.02)
    if name in UNIFORM + NORMAL + ("random_uniform",):  # both distributions end somewhere
        assert ours.max() == pytest.approx(theirs.max(), rel=0.01)
        assert ours.min() == pytest.approx(theirs.min(), rel=0.01)
    assert stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-4


@pytest.mark.parametrize("shape", [(8, 5), (5, 8), (3, 2, 4)])
def test_keras_is_orthogonal_on_the_same_side(keras, shape):
    theirs = np.asarray(keras.initializers.Orthogonal(gain=1.5, seed=0)(shape), np.float64)
    ours = initializers.orthogonal(shape, 0, gain=1.5)
    products = []
    for weights in (ours, theirs):
        matrix = weights.reshape(-1, shape[-1])
        products.append(
            matrix @ matrix.T if matrix.shape[0] < matrix.shape[1] else matrix.T @ matrix
        )
    np.testing.assert_allclose(products[0], products[1], atol=1e-5)


# Orthogonal


@pytest.mark.parametrize("shape", [(6, 6), (9, 4), (4, 9), (1, 5), (5, 1), (3, 3, 2, 7), (2, 1, 9)])
def test_orthogonal_has_orthonormal_rows_or_columns_the_fewer(shape):
    matrix = initializers.orthogonal(shape, 0, gain=2).reshape(-1, shape[-1])
    rows, columns = matrix.shape
    if rows >= columns:
        np.testing.assert_allclose(matrix.T @ matrix, 4 * np.eye(columns), atol=1e-13)
    if rows <= columns:
        np.testing.assert_allclose(matrix @ matrix.T, 4 * np.eye(rows), atol=1e-13)
    # Exact, not only expected: the mean square of the entries is gain^2 / max(rows, columns).
    variance = initializers.orthogonal.variance(shape, gain=2)
    assert (matrix**2).mean() == pytest.approx(variance, rel=1e-13)


def test_orthogonal_keeps_every_length():
    weights = initializers.orthogonal((7, 7), 0)
    x = np.random.default_rng(1).standard_normal((20, 7))
    np.testing.assert_allclose(
        np.linalg.norm(x @ weights, axis=1), np.linalg.norm(x, axis=1), rtol=1e-13
    )


def test_orthogonal_favours_no_direction():
    rng = np.random.default_rng(0)
    draws = np.array([initializers.orthogonal((3, 3), rng) for _ in range(4000)])  # (4000, 3, 3)
    # Without the choice of signs the diagonal would lean to one side. An entry's variance is 1/3.
    error = math.sqrt(1 / 3 / len(draws))
    assert np.abs(draws.mean(axis=0)).max() <= ERRORS * error
    # Both kinds of orthogonal matrices, rotations and reflections, are as likely: +1 or -1.
    assert abs(np.linalg.det(draws).mean()) <= ERRORS / math.sqrt(len(draws))


# The call


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, "float32"])
@pytest.mark.parametrize("name", initializers.NAMES)
def test_type_and_shape(name, dtype):
    weights = get(name)((4, 3), 0, dtype=dtype)
    assert isinstance(weights, np.ndarray)
    assert weights.dtype == dtype
    assert weights.shape == (4, 3)
    np.testing.assert_array_equal(weights, get(name)((4, 3), 0).astype(dtype))


@pytest.mark.parametrize("shape", [(), 1, 5, (5,), [5, 2], (np.int64(5), 2)])
@pytest.mark.parametrize("name", [name for name in initializers.NAMES if name != "orthogonal"])
def test_every_kind_of_shape(name, shape):
    weights = get(name)(shape, 0)
    assert isinstance(weights, np.ndarray)
    assert weights.shape == np.empty(shape).shape


def test_a_scalar_is_redrawn_too():
    rng = np.random.default_rng(0)
    draws = np.array([float(initializers.lecun_normal((), rng)) for _ in range(500)])
    limit = 2 / initializers.TRUNCATED_STDDEV
    assert 0.9 * limit < np.abs(draws).max() <= limit


class Given(np.random.Generator):
    """A generator whose normal draws are given."""

    def __init__(self, *draws):
        super().__init__(np.random.PCG64(0))
        self.draws = draws

    def standard_normal(self, size=None):
        drawn, *self.draws = self.draws
        return np.reshape(np.array(drawn), size)


def test_a_draw_of_exactly_two_deviations_is_kept():
    rng = Given([2.0, -2.0, 2.5, 1.0], [math.nextafter(2, 3)], [0.5])
    drawn = initializers.lecun_normal((1, 4), rng) * initializers.TRUNCATED_STDDEV
    np.testing.assert_allclose(drawn, [[2.0, -2.0, 0.5, 1.0]], rtol=1e-15)


def test_a_column_of_zeros_keeps_the_sign_that_qr_gives_it():
    assert initializers.orthogonal((1, 1), Given([0.0])) == 1
    np.testing.assert_array_equal(initializers.orthogonal((2, 2), Given(np.zeros(4))), np.eye(2))


@pytest.mark.parametrize("name", RANDOM)
def test_the_seed_decides(name):
    draw = get(name)
    np.testing.assert_array_equal(draw((4, 3), 5), draw((4, 3), 5))
    np.testing.assert_array_equal(draw((4, 3), 5), draw((4, 3), np.random.default_rng(5)))
    np.testing.assert_array_equal(draw((4, 3), 5), draw((4, 3), np.int64(5)))
    assert (draw((4, 3), 5) != draw((4, 3), 6)).any()
    rng = np.random.default_rng(5)
    assert (draw((4, 3), rng) != draw((4, 3), rng)).any()


@pytest.mark.parametrize("name", initializers.NAMES)
def test_the_global_generator_is_left_alone(name):
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    get(name)((4, 3), 0)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@pytest.mark.parametrize(
    ("name", "own", "value"), [("zeros", {}, 0), ("ones", {}, 1), ("constant", {"value": 0.3}, 0.3)]
)
@pytest.mark.parametrize("rng", [(), (None,), (3,)])
def test_constants_need_no_rng(name, own, value, rng):
    np.testing.assert_array_equal(get(name)((2, 3), *rng, **own), np.full((2, 3), value))


def test_a_range_of_one_value_is_that_value():
    assert (initializers.random_uniform((2, 3), 0, minval=0.5, maxval=0.5) == 0.5).all()


def test_a_value_beyond_the_type_becomes_infinite():
    weights = initializers.constant(2, value=1e6, dtype=np.float16)
    np.testing.assert_array_equal(weights, [np.inf, np.inf])
    assert initializers.random_normal.variance(2, stddev=1e200) == math.inf
    assert initializers.he_normal.variance(2, negative_slope=1e200) == 0


def test_initializers_can_be_copied_compared_and_kept_in_a_set():
    for name in initializers.NAMES:
        # Pickled too, so that a network can be sent to another process.
        for again in (copy.deepcopy(get(name)), pickle.loads(pickle.dumps(get(name)))):
            assert again((4, 3), 0).tolist() == get(name)((4, 3), 0).tolist()
    assert copy.deepcopy(initializers.he_normal) == initializers.he_normal
    assert len({get(name) for name in initializers.NAMES}) == len(initializers.NAMES)
    assert repr(initializers.he_normal) == (
        "Initializer(name='he_normal', parameters={'negative_slope': 0.0}, random=True)"
    )
    assert isinstance(initializers.he_normal, Initializer)


# Errors


@pytest.mark.parametrize(
    "shape", [0, -1, (3, 0), (3, -2), 1.5, (2.0, 3), True, (True, 2), None, "ab"]
)
def test_bad_shapes(shape):
    for use in (fans, initializers.he_normal.variance, lambda s: initializers.he_normal(s, 0)):
        with pytest.raises(ValueError, match="shape must hold whole numbers of at least 1, got "):
            use(shape)


@pytest.mark.parametrize("shape", [(), 5, (5,)])
def test_orthogonal_needs_a_matrix(shape):
    for use in (initializers.orthogonal.variance, lambda s: initializers.orthogonal(s, 0)):
        with pytest.raises(ValueError, match="shape must have at least two entries for orthogonal"):
            use(shape)


@pytest.mark.parametrize("rng", [1.5, True, -1, "0", np.random.RandomState(0)])
@pytest.mark.parametrize("name", ["he_normal", "zeros"])
def test_bad_rng(name, rng):
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator or an int seed"):
        get(name)((2, 2), rng)


@pytest.mark.parametrize("name", RANDOM)
def test_the_random_ones_ask_for_an_rng(name):
    with pytest.raises(TypeError, match=rf"{name} draws at random: rng must be .* got None"):
        get(name)((2, 2))


@pytest.mark.parametrize(
    "dtype", [np.int64, bool, complex, str, object, "no such type", "longdouble"]
)
def test_bad_types(dtype):
    if np.dtype(np.longdouble) == np.float64 and dtype == "longdouble":
        dtype = np.int8  # where there is no longer float
    with pytest.raises(TypeError, match="dtype must be float16, float32 or float64, got "):
        initializers.he_normal((2, 2), 0, dtype=dtype)


@pytest.mark.parametrize(
    ("name", "own", "error", "message"),
    [
        (
            "he_normal",
            {"gain": 2},
            TypeError,
            "he_normal has no parameter 'gain'; it has: negative",
        ),
        ("zeros", {"value": 2}, TypeError, "zeros has no parameter 'value'; it has: none"),
        ("he_uniform", {"negative_slope": math.nan}, ValueError, "negative_slope must be a finite"),
        ("constant", {"value": math.inf}, ValueError, "value must be a finite number, got inf"),
        ("constant", {"value": "1"}, ValueError, "value must be a finite number, got '1'"),
        ("orthogonal", {"gain": True}, ValueError, "gain must be a finite number, got True"),
        ("random_normal", {"stddev": -1}, ValueError, "stddev must be at least 0, got -1"),
        ("random_uniform", {"minval": 1}, ValueError, "maxval - minval must be .* got minval 1.0"),
        ("random_uniform", {"minval": -1e308, "maxval": 1e308}, ValueError, "must be finite and"),
    ],
)
def test_bad_parameters(name, own, error, message):
    with pytest.raises(error, match=message):
        get(name)((2, 2), 0, **own)
    with pytest.raises(error, match=message):
        get(name).variance((2, 2), **own)


@pytest.mark.parametrize("name", ["foo", "He_normal", 5, None, []])
def test_unknown_names_are_told_the_known_ones(name):
    with pytest.raises(
        ValueError, match=r"unknown initializer .*; known: zeros, ones, .*orthogonal"
    ):
        get(name)
