"""What tests of blocks share: finite differences, and blocks that start somewhere else."""

import numpy as np
import pytest


def moved(block, seed=3):
    rng = np.random.default_rng(seed)
    for array in block.arrays:
        array += 0.3 * rng.standard_normal(array.shape)
    return block


def slope(value, array, step=1e-6):
    """d(value)/d(array), by central differences."""
    found = np.zeros_like(array)
    for at in np.ndindex(array.shape):
        kept = array[at]
        array[at] = kept + step
        above = value()
        array[at] = kept - step
        found[at] = (above - value()) / (2 * step)
        array[at] = kept
    return found


@pytest.fixture
def shaken():
    """Move what starts at 0 or 1 somewhere else."""
    return moved


@pytest.fixture
def differences():
    return slope


@pytest.fixture
def way_back():
    """Compare a block's way back with differences: for its input, and for all that it learns."""

    def compare(block, x, training):
        moved(block)
        x = x.copy()
        weight = np.random.default_rng(5).standard_normal(block.forward(x, training).shape)

        def value():
            return float((block.forward(x, training) * weight).sum())

        value()
        below = block.backward(weight)
        own = [gradient.copy() for gradient in block.gradients]
        np.testing.assert_allclose(below, slope(value, x), rtol=1e-5, atol=1e-8)
        assert len(own) == len(block.arrays)
        for gradient, array in zip(own, block.arrays, strict=True):
            assert np.shape(gradient) == array.shape
            np.testing.assert_allclose(gradient, slope(value, array), rtol=1e-5, atol=1e-8)

    return compare
