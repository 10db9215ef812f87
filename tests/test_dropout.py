"""Dropout against its definition, and against Keras.

Statistical tests have fixed seeds. Their tolerance is six standard errors (with a correct dropout
about one draw in 5e8 would miss it), eight where hypothesis asks a thousand times.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from livegrad import dropout as module
from livegrad.dropout import dropout

REPEATABLE = settings(derandomize=True, deadline=None)  # the same examples each time
ERRORS = 6  # standard errors
RATES = [0.1, 0.5, 0.8]


@pytest.fixture(scope="module")
def keras():
    return pytest.importorskip("keras", reason="the oracle is Keras")


def test_the_module_exports_one_function():
    assert module.__all__ == ["dropout"]


@REPEATABLE
@given(
    x=hnp.arrays(
        np.float64,
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6),
        elements=st.floats(-1e6, 1e6),
    ),
    rate=st.floats(0, 0.99),
    seed=st.integers(0, 2**32),
)
def test_output_is_x_times_mask_over_keep(x, rate, seed):
    before = x.copy()
    output, mask = dropout(x, rate, seed)
    assert output.shape == mask.shape == x.shape
    assert np.isin(mask, [0, 1]).all()
    np.testing.assert_allclose(output, x * mask / (1 - rate), rtol=1e-15)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("rate", RATES)
def test_the_share_dropped_is_the_rate(rate):
    mask = dropout(np.ones((300, 200)), rate, 0)[1]
    error = math.sqrt(rate * (1 - rate) / mask.size)  # of the mean of independent coins
    assert abs((mask == 0).mean() - rate) <= ERRORS * error
    # Coins of neighbours, in a row and in a column, have nothing to do with each other.
    centred = mask - mask.mean()
    for pairs in (centred[:, 1:] * centred[:, :-1], centred[1:] * centred[:-1]):
        assert abs(pairs.mean()) <= ERRORS * rate * (1 - rate) / math.sqrt(pairs.size)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@REPEATABLE
@given(
    x=hnp.arrays(np.float16, (3, 4), elements=st.floats(-100, 100, width=16)),
    rate=st.floats(0, 0.9),
    seed=st.integers(0, 2**32),
)
def test_the_mean_over_masks_is_x(dtype, x, rate, seed):
    draws = 2000
    x = x.astype(dtype)
    outputs, _ = dropout(np.broadcast_to(x, (draws, *x.shape)), rate, seed)  # (draws, 3, 4)
    assert outputs.dtype == dtype
    x, outputs = x.astype(float), outputs.astype(float)
    # One output has the variance x^2 rate / (1 - rate). Hypothesis asks about 12 x 100 times,
    # so more standard errors than elsewhere; at rates near 0 one dropped entry is the grain.
    error = np.abs(x) * math.sqrt(rate / (1 - rate) / draws)
    grain = 3 * np.abs(x) / (1 - rate) / draws
    rounding = np.abs(x) * float(np.finfo(dtype).eps) + float(np.finfo(dtype).tiny)
    assert (np.abs(outputs.mean(axis=0) - x) <= 8 * error + grain + rounding + 1e-12).all()


@pytest.mark.parametrize("rate", RATES)
def test_the_variance_over_masks_is_that_of_srivastavas_section_10(rate):
    outputs = dropout(np.full(200_000, 3.0), rate, 0)[0]
    keep = 1 - rate
    fourth = keep * (3 / keep - 3) ** 4 + rate * 3**4  # the fourth central moment of one output
    variance = 9 * rate / keep
    error = math.sqrt((fourth - variance**2) / outputs.size)
    # (at a rate of 1/2 the squared distance is always the same: only the rounding is left)
    assert abs(((outputs - 3) ** 2).mean() - variance) <= ERRORS * error + 1e-12


@pytest.mark.parametrize("rate", [0.0, *RATES])
def test_the_way_back_is_the_slope_of_the_way_forward(rate):
    rng = np.random.default_rng(0)
    x, upstream = rng.standard_normal((2, 4, 5))
    mask = dropout(x, rate, 7)[1]

    def loss(at):
        return (dropout(at, rate, 7)[0] * upstream).sum()  # the same seed, the same mask

    step = 1e-6
    slopes = np.empty_like(x)
    for index in np.ndindex(x.shape):
        shift = np.zeros_like(x)
        shift[index] = step
        slopes[index] = (loss(x + shift) - loss(x - shift)) / (2 * step)
    np.testing.assert_allclose(slopes, upstream * mask / (1 - rate), atol=1e-8)


def test_keras_leaves_the_same_two_values_and_the_same_share(keras):
    x = np.full((200, 300), 2, np.float32)
    for rate in RATES:
        theirs = np.asarray(keras.layers.Dropout(rate, seed=0)(x, training=True))
        ours = dropout(x, rate, 0)[0]
        np.testing.assert_allclose(np.unique(ours), np.unique(theirs), rtol=1e-6)
        # Two independent samples: the variance of the difference of the shares is the sum.
        error = math.sqrt(2 * rate * (1 - rate) / x.size)
        assert abs((ours == 0).mean() - (theirs == 0).mean()) <= ERRORS * error
    np.testing.assert_array_equal(
        np.asarray(keras.layers.Dropout(0.5)(x, training=False)), dropout(x, 0.5, 0, False)[0]
    )


@pytest.mark.parametrize(("rate", "training"), [(0.5, False), (0.0, True), (0, True)])
def test_without_dropping_x_comes_back_and_nothing_is_drawn(rate, training):
    x = np.array([[1.0, -np.inf], [np.nan, 4.0]])
    rng = np.random.default_rng(0)
    output, mask = dropout(x, rate, rng, training=training)
    np.testing.assert_array_equal(output, x)
    np.testing.assert_array_equal(mask, np.ones_like(x))
    assert output is not x
    assert not np.shares_memory(output, x)
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_the_floating_type_is_kept(dtype, training):
    output, mask = dropout(np.arange(12, dtype=dtype).reshape(3, 4), 0.25, 0, training)
    assert output.dtype == mask.dtype == dtype
    # Not more than one rounding: the mask is drawn alike for each type.
    exact = dropout(np.arange(12.0).reshape(3, 4), 0.25, 0, training)[0]
    np.testing.assert_allclose(output, exact, rtol=np.finfo(dtype).eps)


@pytest.mark.parametrize("x", [[1, 2, 3], [True, False], np.arange(3, dtype=np.uint8)])
def test_integers_and_bools_become_float64(x):
    output, mask = dropout(x, 0.5, 0)
    assert output.dtype == mask.dtype == np.float64


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2)])
def test_scalars_and_empty_arrays(shape):
    output, mask = dropout(np.ones(shape), 0.5, 0)
    assert isinstance(output, np.ndarray)
    assert isinstance(mask, np.ndarray)
    assert output.shape == mask.shape == shape


def test_a_dropped_infinity_or_nan_is_zero_and_a_kept_one_stays():
    for value in (np.inf, -np.inf, np.nan):
        output, mask = dropout(np.full(100, value), 0.5, 0)
        assert 0 < mask.sum() < 100
        np.testing.assert_array_equal(output, np.where(mask == 1, value, 0))


@pytest.mark.parametrize(
    ("dtype", "large"), [(np.float16, 60000), (np.float32, 3e38), (np.float64, 1e308)]
)
def test_what_is_too_large_becomes_infinite_without_a_warning(dtype, large):
    output, mask = dropout(np.full(100, large, dtype), 0.5, 0)
    np.testing.assert_array_equal(output, np.where(mask == 1, np.inf, 0))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_rate_just_below_one(dtype):
    rate = 1 - 1e-9  # float16 has no 1e-9, but 0 / 1e-9 is 0 there too
    output, mask = dropout(np.zeros(100, dtype), rate, 0)
    np.testing.assert_array_equal(output, np.zeros(100))
    assert mask.sum() == 0


def test_a_draw_that_is_exactly_the_rate_is_kept():
    draw = float(np.random.default_rng(0).random(1)[0])
    assert dropout([1.0], draw, 0)[1] == 1
    assert dropout([1.0], math.nextafter(draw, 1), 0)[1] == 0


def test_the_seed_decides():
    x = np.ones((20, 20))
    for rng in (3, np.int64(3), np.random.default_rng(3)):
        np.testing.assert_array_equal(dropout(x, 0.5, 3)[1], dropout(x, 0.5, rng)[1])
    assert (dropout(x, 0.5, 3)[1] != dropout(x, 0.5, 4)[1]).any()
    rng = np.random.default_rng(3)
    assert (dropout(x, 0.5, rng)[1] != dropout(x, 0.5, rng)[1]).any()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "rate", [1, 1.0, -0.1, 2, math.nan, math.inf, True, False, None, "0.5", 0.5j]
)
def test_bad_rates(rate, training):
    with pytest.raises(ValueError, match=r"rate must be in \[0, 1\), got "):
        dropout(np.ones(3), rate, 0, training)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("rng", [None, 1.5, True, -1, "0"])
def test_bad_rng(rng, training):
    with pytest.raises(TypeError, match=r"rng must be a numpy\.random\.Generator or an int seed"):
        dropout(np.ones(3), 0.5, rng, training)


@pytest.mark.parametrize("x", [1j, "a", [None], np.array(["1"])])
def test_bad_x(x):
    with pytest.raises(TypeError, match="x must hold real numbers, got dtype "):
        dropout(x, 0.5, 0)
