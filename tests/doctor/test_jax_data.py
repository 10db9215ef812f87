"""The sample that a Flax module is examined on."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("flax", reason="needs livegrad[jax]")

import jax
import jax.numpy as jnp

from livegrad.doctor._jax.data import draw


def test_rows_are_evenly_spaced_and_all_labels_are_kept():
    x, y = np.arange(100.0)[:, None], np.arange(100)
    sample = draw(x, y, 4)
    np.testing.assert_array_equal(sample.x[:, 0], [0, 33, 66, 99])
    np.testing.assert_array_equal(sample.y, [0, 33, 66, 99])
    assert isinstance(sample.x, jax.Array) and sample.x.dtype == jnp.float32
    assert len(sample.labels[0]) == 100 and (sample.total, sample.batch) == (100, None)
    np.testing.assert_array_equal(sample.some(2).y, [0, 33])
    np.testing.assert_array_equal(sample.some(np.array([1, 3])).y, [33, 99])


def test_inputs_may_be_nested_and_lists():
    sample = draw({"a": jnp.ones((3, 2)), "b": np.ones(3)}, [1, 0, 1], 8)
    assert set(sample.x) == {"a", "b"} and sample.rows == 3 and sample.y.shape == (3,)


def test_a_loader_brings_its_labels():
    batches = [(np.ones((4, 2)), np.zeros(4)), (np.ones((4, 2)), np.ones(4))]
    sample = draw(batches, None, 6)
    assert sample.rows == 6 and (sample.batch, sample.total) == (4, 8)
    generated = draw((batch for batch in batches), None, 100)
    assert generated.rows == 8 and generated.total == 8


@pytest.mark.parametrize(
    ("x", "y", "match"),
    [
        (np.zeros((0, 2)), np.zeros(0), "x must hold at least one example"),
        (np.zeros((3, 2)), np.zeros(2), "as many examples, got 3 and 2"),
        (np.array(["a"]), np.zeros(1), "x must hold numbers"),
        ({}, {}, "got no array"),
        (np.zeros((3, 2)), None, "y must be given with arrays"),
        (3, None, "y must be given with arrays"),
        ([], None, "an empty loader"),
        ([(np.ones(2),)], None, r"a loader must give \(x, y\)"),
        ([(np.float32(1), np.float32(1))], None, "a loader must give batches"),
    ],
)
def test_what_is_no_data_is_refused(x, y, match):
    with pytest.raises(ValueError, match=match):
        draw(x, y, 4)


def test_what_is_not_finite_is_counted():
    x = np.ones((3, 2))
    x[1] = np.nan
    assert draw(x, np.ones(3), 4).bad == "2 of 6 values of x are not finite, must be 0"
    assert draw(np.ones((3, 2)), np.ones(3), 4).bad == ""
