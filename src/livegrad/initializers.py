"""The factor W: how large the first weights are, and why not all the same.

Each initializer is called as ``he_normal(shape, rng)`` and knows the variance that one weight has:
``he_normal.variance(shape)``. Glorot's, He's and LeCun's normal ones are truncated at two standard
deviations and corrected to the exact variance, as in Keras; ``random_normal`` is not truncated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from livegrad._checks import Array, generator, whole

__all__ = [
    "NAMES",
    "Initializer",
    "constant",
    "fan_in_uniform",
    "fans",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "zeros",
]

Shape = int | Sequence[int]

# Standard deviation of a standard normal that is redrawn until it lies within [-2, 2].
TRUNCATED_STDDEV = 0.87962566103423978


def _shape(shape: Shape) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, Sequence | np.ndarray) else (shape,)
    for size in sizes:
        if not whole(size, 1):
            raise ValueError(f"shape must hold whole numbers of at least 1, got {shape!r}")
    return tuple(int(size) for size in sizes)


def _float_type(dtype: DTypeLike) -> np.dtype[Any]:
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = np.dtype(object)  # not a type at all: refused below, with the same words
    if kind not in (np.float16, np.float32, np.float64):
        raise TypeError(f"dtype must be float16, float32 or float64, got {dtype!r}")
    return kind


def fans(shape: Shape) -> tuple[int, int]:
    """Return (fan_in, fan_out): how many inputs a unit reads, and how many units read an input.

    Args:
        shape: (fan_in, fan_out) of a dense layer, or (*kernel, channels_in, channels_out) of a
            convolution, whose fans both count the kernel's size; an int or (n,) counts n for
            both, and () counts 1.

    Returns:
        The pair (fan_in, fan_out).

    Raises:
        ValueError: if an entry is not a whole number of at least 1.

    Examples:
        >>> fans((64, 32))
        (64, 32)
        >>> fans((3, 3, 16, 32))
        (144, 288)

    Source:
        The terms are of Glorot and Bengio 2010; counted as Keras counts.
    """
    sizes = _shape(shape)
    if len(sizes) == 0:
        return 1, 1
    if len(sizes) == 1:
        return sizes[0], sizes[0]
    kernel = math.prod(sizes[:-2])
    return kernel * sizes[-2], kernel * sizes[-1]


def _truncated_normal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return standard normals redrawn until none lies beyond two standard deviations."""
    values = np.asarray(rng.standard_normal(shape))  # an array for the shape () too
    while (outside := np.abs(values) > 2).any():
        values[outside] = rng.standard_normal(int(outside.sum()))
    return values


@dataclass(frozen=True)
class Initializer:
    """A way to draw a layer's first weights.

    Attributes:
        name: the name Keras uses (``fan_in_uniform`` has none there; it is PyTorch's default).
        parameters: names and defaults of what may be passed by keyword.
        random: False for zeros, ones and constant, which need no ``rng``.

    Examples:
        >>> he_normal((64, 32), 0).shape
        (64, 32)
        >>> he_normal.variance((64, 32))
        0.03125
    """

    name: str
    # Left out of comparisons: a copied partial is not equal to its original.
    _draw: Callable[..., Array] = field(repr=False, compare=False)
    _variance: Callable[..., float] = field(repr=False)
    parameters: dict[str, float] = field(default_factory=dict, hash=False)
    random: bool = True

    def __call__(
        self,
        shape: Shape,
        rng: np.random.Generator | int | None = None,
        *,
        dtype: DTypeLike = np.float64,
        **parameters: float,
    ) -> Array:
        """Return weights of this shape; the same int seed gives the same weights.

        Two layers of one shape get the same weights from the same int seed: pass a generator on.
        A value beyond the range of ``dtype`` becomes infinite.

        Args:
            shape: of a dense kernel (fan_in, fan_out) or a convolution's (*kernel, in, out).
            rng: generator or seed; only zeros, ones and constant do without.
            dtype: float16, float32 or float64.
            **parameters: those of ``parameters``, e.g. ``negative_slope=0.01`` for He's.

        Returns:
            The weights, an array of that shape and type.

        Raises:
            ValueError: if the shape has an entry below 1 or a parameter's value does not fit.
            TypeError: if ``rng``, ``dtype`` or a parameter's name does not fit.

        Examples:
            >>> glorot_uniform((3, 2), 0).round(2)
            array([[ 0.3 , -0.5 ],
                   [-1.01, -1.06],
                   [ 0.69,  0.9 ]])
            >>> constant((1, 3), value=0.5)
            array([[0.5, 0.5, 0.5]])
        """
        sizes, kind, given = _shape(shape), _float_type(dtype), self._check(parameters)
        if rng is None:
            if self.random:
                raise TypeError(
                    f"{self.name} draws at random: rng must be a numpy.random.Generator or an "
                    "int seed >= 0, got None"
                )
            rng = 0  # nothing is drawn from it
        with np.errstate(over="ignore"):
            return np.asarray(self._draw(sizes, generator(rng), **given)).astype(kind)

    def variance(self, shape: Shape, **parameters: float) -> float:
        """Return the variance of one weight that theory gives for this shape.

        Args:
            shape: as for the call.
            **parameters: as for the call.

        Returns:
            The variance, 0.0 where all weights are the same.

        Raises:
            ValueError: as for the call.
            TypeError: as for the call.

        Examples:
            >>> he_normal.variance((3, 3, 16, 32)) == 2 / (3 * 3 * 16)
            True
        """
        return float(self._variance(_shape(shape), **self._check(parameters)))

    def _check(self, parameters: dict[str, float]) -> dict[str, float]:
        for name, value in parameters.items():
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise TypeError(f"{self.name} has no parameter {name!r}; it has: {known}")
            if isinstance(value, bool) or not isinstance(value, Real) or not math.isfinite(value):
                raise ValueError(f"{name} must be a finite number, got {value!r}")
            if name == "stddev" and value < 0:
                raise ValueError(f"stddev must be at least 0, got {value!r}")
        given = {**self.parameters, **{name: float(value) for name, value in parameters.items()}}
        if "minval" in given and not 0 <= given["maxval"] - given["minval"] < math.inf:
            raise ValueError(
                "maxval - minval must be finite and at least 0, "
                f"got minval {given['minval']!r} and maxval {given['maxval']!r}"
            )
        return given


def _constant(shape: tuple[int, ...], rng: np.random.Generator, value: float) -> Array:
    return np.full(shape, value)


def _no_variance(shape: tuple[int, ...], **given: float) -> float:
    return 0.0


def _random_uniform(
    shape: tuple[int, ...], rng: np.random.Generator, minval: float, maxval: float
) -> Array:
    return rng.uniform(minval, maxval, shape)


def _uniform_variance(shape: tuple[int, ...], minval: float, maxval: float) -> float:
    return (maxval - minval) * (maxval - minval) / 12


def _random_normal(
    shape: tuple[int, ...], rng: np.random.Generator, mean: float, stddev: float
) -> Array:
    return rng.normal(mean, stddev, shape)


def _normal_variance(shape: tuple[int, ...], mean: float, stddev: float) -> float:
    return stddev * stddev


def _centred(
    variance: Callable[..., float],
    normal: bool,
    shape: tuple[int, ...],
    rng: np.random.Generator,
    **given: float,
) -> Array:
    """Return draws of mean 0 and the variance of this shape, uniform or truncated normal."""
    stddev = math.sqrt(variance(shape, **given))
    if normal:
        return _truncated_normal(shape, rng) * (stddev / TRUNCATED_STDDEV)
    # U[-limit, limit] has the variance limit^2 / 3.
    limit = math.sqrt(3) * stddev
    return rng.uniform(-limit, limit, shape)


def _glorot(shape: tuple[int, ...]) -> float:
    """Glorot and Bengio 2010, eq. 12: a compromise of 1 / fan_in and 1 / fan_out.

    As a uniform distribution it is their eq. 16: the limit is sqrt(3 * variance).
    """
    return 2 / sum(fans(shape))


def _he(shape: tuple[int, ...], negative_slope: float) -> float:
    """He et al. 2015, eqs. 10 and 15: half of the signal is lost to ReLU, or (1 + a^2) / 2 kept."""
    return 2 / ((1 + negative_slope * negative_slope) * fans(shape)[0])


def _lecun(shape: tuple[int, ...]) -> float:
    """LeCun et al. 1998, eq. 16: the sum of fan_in inputs keeps their variance."""
    return 1 / fans(shape)[0]


def _fan_in(shape: tuple[int, ...]) -> float:
    """U[-1/sqrt(fan_in), 1/sqrt(fan_in)], Glorot and Bengio 2010, eq. 1: variance 1/(3 fan_in)."""
    return 1 / (3 * fans(shape)[0])


def _rows_and_columns(shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) < 2:
        raise ValueError(f"shape must have at least two entries for orthogonal, got {shape!r}")
    return math.prod(shape[:-1]), shape[-1]


def _orthogonal(shape: tuple[int, ...], rng: np.random.Generator, gain: float) -> Array:
    """Saxe et al. 2014: a random matrix whose rows or columns, the fewer, are orthonormal."""
    rows, columns = _rows_and_columns(shape)
    tall = rng.standard_normal((max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(tall)  # q has the shape of tall, and orthonormal columns
    # QR leaves the signs free; this choice makes q uniform over the orthogonal matrices.
    q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    return gain * (q if rows >= columns else q.T).reshape(shape)


def _orthogonal_variance(shape: tuple[int, ...], gain: float) -> float:
    # A column of length gain shares gain^2 out among its entries (a row, where rows are fewer).
    return gain * gain / max(_rows_and_columns(shape))


zeros = Initializer("zeros", partial(_constant, value=0.0), _no_variance, random=False)
"""All 0: every unit stays a copy of its neighbour."""
ones = Initializer("ones", partial(_constant, value=1.0), _no_variance, random=False)
"""All 1: copies too, and a signal that grows by the fan-in."""
constant = Initializer("constant", _constant, _no_variance, {"value": 0.0}, random=False)
"""All ``value``."""
random_uniform = Initializer(
    "random_uniform", _random_uniform, _uniform_variance, {"minval": -0.05, "maxval": 0.05}
)
"""U[minval, maxval], whatever the shape."""
random_normal = Initializer(
    "random_normal", _random_normal, _normal_variance, {"mean": 0.0, "stddev": 0.05}
)
"""Normal, not truncated, whatever the shape."""
fan_in_uniform = Initializer("fan_in_uniform", partial(_centred, _fan_in, False), _fan_in)
"""U[-1/sqrt(fan_in), 1/sqrt(fan_in)], PyTorch's default (Glorot and Bengio 2010, eq. 1)."""
glorot_uniform = Initializer("glorot_uniform", partial(_centred, _glorot, False), _glorot)
"""Uniform, variance 2 / (fan_in + fan_out): Keras's default (Glorot and Bengio 2010, eq. 16)."""
glorot_normal = Initializer("glorot_normal", partial(_centred, _glorot, True), _glorot)
"""Truncated normal, variance 2 / (fan_in + fan_out) (Glorot and Bengio 2010, eq. 12)."""
he_uniform = Initializer("he_uniform", partial(_centred, _he, False), _he, {"negative_slope": 0.0})
"""Uniform, variance 2 / ((1 + negative_slope^2) fan_in) (He et al. 2015, eq. 15)."""
he_normal = Initializer("he_normal", partial(_centred, _he, True), _he, {"negative_slope": 0.0})
"""Truncated normal, variance 2 / ((1 + negative_slope^2) fan_in) (He et al. 2015, eq. 15)."""
lecun_uniform = Initializer("lecun_uniform", partial(_centred, _lecun, False), _lecun)
"""Uniform, variance 1 / fan_in (LeCun et al. 1998, eq. 16)."""
lecun_normal = Initializer("lecun_normal", partial(_centred, _lecun, True), _lecun)
"""Truncated normal, variance 1 / fan_in (LeCun et al. 1998, eq. 16): the one for SELU."""
orthogonal = Initializer("orthogonal", _orthogonal, _orthogonal_variance, {"gain": 1.0})
"""A random orthogonal matrix times ``gain`` (Saxe et al. 2014)."""

_ALL = {
    initializer.name: initializer
    for initializer in [
        zeros,
        ones,
        constant,
        random_uniform,
        random_normal,
        fan_in_uniform,
        glorot_uniform,
        glorot_normal,
        he_uniform,
        he_normal,
        lecun_uniform,
        lecun_normal,
        orthogonal,
    ]
}
NAMES: tuple[str, ...] = tuple(_ALL)
"""The names of all initializers."""


def get(name: str | Initializer) -> Initializer:
    """Return the initializer of that name; an ``Initializer`` is returned as it is.

    Args:
        name: one of ``NAMES``, or an ``Initializer``.

    Returns:
        The ``Initializer``.

    Raises:
        ValueError: if the name is unknown; the message lists the known ones.

    Examples:
        >>> get("glorot_uniform").variance((64, 32))
        0.020833333333333332
    """
    if isinstance(name, Initializer):
        return name
    if not isinstance(name, str) or name not in _ALL:
        raise ValueError(f"unknown initializer {name!r}; known: {', '.join(NAMES)}")
    return _ALL[name]
