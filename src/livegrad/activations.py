"""The factor phi'(z): twelve activations, each with its value and its derivative.

Every function keeps the floating type of its input, turns integers into float64, passes NaN
through and never warns: the formulas are arranged so that nothing overflows on the way. At
infinite input, value and slope are their limits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from livegrad._checks import Array, floating

__all__ = [
    "NAMES",
    "Activation",
    "elu",
    "gelu",
    "get",
    "leaky_relu",
    "linear",
    "log_softmax",
    "relu",
    "selu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]

_INF = float("inf")


@dataclass(frozen=True)
class Activation:
    """An activation function with its derivative and what is known of it.

    Call it for the value. The elementwise ones have ``derivative``, the slope at each entry; for
    ``softmax`` and ``log_softmax``, where each output depends on every input, ``jacobian`` takes
    its place.

    Parameters are passed by keyword and keep the defaults of ``parameters``, for which the
    attributes hold: with another ``alpha``, ELU has another range.

    Attributes:
        name: the name Keras uses.
        range: smallest and largest value, reached or approached.
        signed: whether outputs of both signs occur for inputs of both signs.
        saturates: where the slope goes to zero: "both" sides, the "left", or "no" side.
        initializer: the initializer that it pairs with.
        max_slope: the largest slope that occurs.
        elementwise: whether each output depends on its own input only.
        parameters: names and defaults of what may be passed by keyword.

    Examples:
        >>> import numpy as np
        >>> relu(np.array([-1.0, 0.0, 2.0]))
        array([0., 0., 2.])
        >>> float(sigmoid.derivative(0.0))
        0.25
        >>> float(leaky_relu(-1.0, negative_slope=0.2))
        -0.2
    """

    name: str
    range: tuple[float, float]
    signed: bool
    saturates: str
    initializer: str
    max_slope: float
    _value: Callable[..., Array] = field(repr=False)
    _slope: Callable[..., Array] | None = field(default=None, repr=False)
    parameters: Mapping[str, float] = field(default_factory=dict, hash=False)

    @property
    def elementwise(self) -> bool:
        """Whether each output depends on its own input only."""
        return self._slope is not None

    def __call__(self, x: ArrayLike, *, axis: int | None = None, **parameters: float) -> Array:
        """Return the activation of ``x``, in the same shape and floating type.

        Softmax of logits that contain +inf shares 1 equally among those; of logits that are all
        -inf, equally among all. One NaN makes all outputs along its axis NaN.

        Args:
            x: real numbers of any shape; integers become float64.
            axis: the axis that softmax and log_softmax normalise, the last one unless given.
            **parameters: those of ``parameters``, e.g. ``negative_slope=0.2``.

        Raises:
            TypeError: if ``x`` holds no real numbers, or a parameter is unknown or of a wrong type.
            ValueError: if a parameter or ``axis`` is out of its range.
        """
        array = floating(x)
        given = self._check(parameters)
        if not self.elementwise:
            return self._in_type(array, self._value, given | {"axis": self._axis(array, axis)})
        if axis is not None:
            raise TypeError(f"{self.name} is elementwise: it has no parameter 'axis'")
        return self._in_type(array, self._value, given)

    def derivative(self, x: ArrayLike, **parameters: float) -> Array:
        """Return the slope at every entry of ``x``, in the same shape and floating type.

        At a kink the slope is the left one: 0 for ReLU at 0 (a convention, the derivative does
        not exist there), ``negative_slope`` for leaky ReLU, ``alpha`` for ELU, scale times alpha
        for SELU. TensorFlow has the same, but for SELU the right one, the scale.

        Args:
            x: real numbers of any shape; integers become float64.
            **parameters: those of ``parameters``, e.g. ``negative_slope=0.2``.

        Raises:
            TypeError: for softmax and log_softmax; use ``jacobian``.
        """
        if self._slope is None:
            raise TypeError(f"{self.name} is not elementwise: use {self.name}.jacobian(z)")
        return self._in_type(floating(x), self._slope, self._check(parameters))

    def jacobian(self, z: ArrayLike, **parameters: float) -> Array:
        """Return d(output_i) / d(z_j) over the last axis, shape (..., k, k).

        Softmax: p_i (1[i = j] - p_j) / temperature (Bridle 1990). Log-softmax: 1[i = j] - p_j.

        Args:
            z: logits, shape (..., k).
            **parameters: ``temperature``, for softmax.

        Raises:
            TypeError: for elementwise activations; use ``derivative``.
        """
        if self.elementwise:
            raise TypeError(f"{self.name} is elementwise: use {self.name}.derivative(x)")
        array = floating(z, "z")
        self._axis(array, None)
        formula = _softmax_jacobian if self.name == "softmax" else _log_softmax_jacobian
        return self._in_type(array, formula, self._check(parameters))

    def vjp(self, x: ArrayLike, upstream: ArrayLike) -> Array:
        """Return dL/dx given ``upstream`` = dL/d(output): one layer's step of backpropagation.

        It is ``upstream`` times the slope, or times the Jacobian without ever building it. What
        overflows becomes infinite, and an infinite ``upstream`` times a slope of 0 is NaN.

        Args:
            x: the activation's input, shape (..., k).
            upstream: same shape.

        Raises:
            ValueError: if the shapes differ.
        """
        array, above = floating(x), floating(upstream, "upstream")
        if not self.elementwise:
            self._axis(array, None)
        if array.shape != above.shape:
            raise ValueError(f"upstream must have x's shape {array.shape}, got {above.shape}")
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            if self._slope is not None:
                slope = self._in_type(array, self._slope, dict(self.parameters))
                return np.asarray(above * slope)
            p = softmax(array, axis=-1, **self.parameters)  # (..., k)
            if self.name == "log_softmax":
                return np.asarray(above - p * np.sum(above, axis=-1, keepdims=True))
            centred = above - np.sum(above * p, axis=-1, keepdims=True)  # (..., k)
            return np.asarray(p * centred / self.parameters["temperature"])

    def _check(self, parameters: dict[str, float]) -> dict[str, float]:
        for name, value in parameters.items():
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise TypeError(f"{self.name} has no parameter {name!r}; it has: {known}")
            if isinstance(self.parameters[name], bool):
                if not isinstance(value, bool | np.bool_):
                    raise TypeError(f"{name} must be True or False, got {value!r}")
            elif not isinstance(value, Real) or isinstance(value, bool):
                raise TypeError(f"{name} must be a number, got {value!r}")
            elif not np.isfinite(value):
                raise ValueError(f"{name} must be finite, got {value!r}")
            elif name == "temperature" and value <= 0:
                raise ValueError(f"temperature must be above 0, got {value!r}")
        return {**self.parameters, **parameters}

    def _axis(self, x: Array, axis: int | None) -> int:
        if x.ndim == 0:
            raise ValueError(f"{self.name} needs at least one axis, got the number {x}")
        if axis is None:
            return -1
        if isinstance(axis, bool) or not isinstance(axis, int | np.integer):
            raise TypeError(f"axis must be an int, got {axis!r}")
        if not -x.ndim <= axis < x.ndim:
            raise ValueError(f"axis must be in [{-x.ndim}, {x.ndim}), got {axis!r}")
        return int(axis)

    def _in_type(self, x: Array, formula: Callable[..., Array], given: dict[str, Any]) -> Array:
        # What leaves the type's range is infinite or 0; inf - inf and 0 * inf occur only in entries
        # that np.where then replaces by the limit.
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            if not self.elementwise or x.size <= _BLOCK:
                return _formula_in_type(x, formula, given)
            # Piece by piece: what is computed on the way then stays in the processor's cache.
            result = np.empty(x.shape, x.dtype)
            entries, results = x.reshape(-1), result.reshape(-1)
            for start in range(0, x.size, _BLOCK):
                piece = slice(start, start + _BLOCK)
                results[piece] = _formula_in_type(entries[piece], formula, given)
            return result


# Entries that are computed at once: 128 KB in float64.
_BLOCK = 2**14


def _formula_in_type(x: Array, formula: Callable[..., Array], given: dict[str, Any]) -> Array:
    # float16 has too few digits to compute in.
    wide = x.astype(np.float32) if x.dtype == np.float16 else x
    return np.asarray(formula(wide, **given)).astype(x.dtype, copy=False)


_BITS = {np.dtype(np.float32): np.int32, np.dtype(np.float64): np.int64}


def _where(condition: Array, x: Array, y: Array) -> Array:
    """Return ``np.where`` of arrays of one type, from their bits.

    ``np.where`` takes a branch at each entry: where signs come at random, the processor guesses
    every other one wrong, and waits.
    """
    if x.dtype not in _BITS:
        return np.where(condition, x, y)
    bits = _BITS[x.dtype]
    mask = -condition.astype(bits)  # all bits where the condition holds, else none
    chosen = y.view(bits) ^ ((x.view(bits) ^ y.view(bits)) & mask)
    return np.asarray(chosen.view(x.dtype))


def _with_nan(values: Array, x: Array) -> Array:
    """Return the values, NaN where x is; looking first costs less than replacing nothing."""
    nan = np.isnan(x)
    return np.where(nan, x, values) if nan.any() else values


def _positive(x: Array) -> Array:
    """Return max(x, 0). With both ends, ``clip`` is twice as fast as ``maximum``."""
    return np.clip(x, 0, np.inf)


def _negative(x: Array) -> Array:
    """Return min(x, 0)."""
    return np.clip(x, -np.inf, 0)


def _finite(x: Array, most: float | None = None) -> Array:
    """Return x with the largest numbers for infinities: times 0 they are 0, the limit below."""
    largest = np.finfo(x.dtype).max
    return np.clip(x, -largest, largest if most is None else most)


def _ones(x: Array) -> Array:
    return _with_nan(np.ones_like(x), x)


linear = Activation("linear", (-_INF, _INF), True, "no", "glorot_uniform", 1.0, np.copy, _ones)
"""x: no activation, and a slope of 1."""


def _sigmoid(x: Array) -> Array:
    # exp of a number that is never positive cannot overflow. 1 / (1 + e^-x) is small / (1 + small)
    # where x < 0 and 1 / (1 + small) elsewhere: the numerator is the larger of small and 0 or 1.
    small = np.exp(-np.abs(x))
    return np.asarray(np.maximum(small, x >= 0) / (1 + small))


def _sigmoid_slope(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.asarray(small / (1 + small) ** 2)


sigmoid = Activation(
    "sigmoid", (0.0, 1.0), False, "both", "glorot_uniform", 0.25, _sigmoid, _sigmoid_slope
)
"""1 / (1 + e^-x); its slope s (1 - s) is at most a quarter (Rumelhart et al. 1986)."""


def _tanh_slope(x: Array) -> Array:
    # 1 - tanh^2 loses all its digits where tanh rounds to 1; this form does not.
    small = np.exp(-2 * np.abs(x))
    return np.asarray(4 * small / (1 + small) ** 2)


tanh = Activation("tanh", (-1.0, 1.0), True, "both", "glorot_uniform", 1.0, np.tanh, _tanh_slope)
"""The sigmoid stretched and centred, 2 sigmoid(2x) - 1; slope 1 - tanh(x)^2 (LeCun et al. 1998)."""


def _relu(x: Array) -> Array:
    # Which zero the larger of -0.0 and 0 is, depends on the processor; -0.0 + 0 is 0 on each.
    return np.asarray(_positive(x) + 0)


def _step(x: Array) -> Array:
    return _with_nan((x > 0).astype(x.dtype), x)


relu = Activation("relu", (0.0, _INF), False, "left", "he_normal", 1.0, _relu, _step)
"""max(x, 0); slope 0 or 1, and 0 at 0 by convention (Nair and Hinton 2010; Glorot et al. 2011)."""


def _leaky_relu(x: Array, negative_slope: float) -> Array:
    if negative_slope == 0:  # times -inf it would be NaN
        return _relu(x)
    scaled = negative_slope * x
    if 0 < negative_slope <= 1:  # then the larger one is right on both sides
        return np.maximum(scaled, x)
    return _where(x > 0, x, scaled)


def _leaky_relu_slope(x: Array, negative_slope: float) -> Array:
    return _with_nan(_where(x > 0, np.ones_like(x), np.full_like(x, negative_slope)), x)


leaky_relu = Activation(
    "leaky_relu",
    (-_INF, _INF),
    True,
    "no",
    "he_normal",
    1.0,
    _leaky_relu,
    _leaky_relu_slope,
    {"negative_slope": 0.01},
)
"""x, times ``negative_slope`` where x < 0 (Maas et al. 2013, with their slope of 0.01)."""


def _elu(x: Array, alpha: float) -> Array:
    # x itself at 0, so that -0.0 keeps its sign; cut off at 0, lest expm1 overflow.
    return _where(x >= 0, x, alpha * np.expm1(_negative(x)))


def _elu_slope(x: Array, alpha: float) -> Array:
    return _where(x > 0, np.ones_like(x), alpha * np.exp(_negative(x)))


elu = Activation(
    "elu", (-1.0, _INF), True, "left", "he_normal", 1.0, _elu, _elu_slope, {"alpha": 1.0}
)
"""x where x > 0, else alpha (e^x - 1) (Clevert et al. 2016, eq. 15)."""


# Klambauer et al. 2017, eq. 14: the fixed point (mean 0, variance 1) of the scaled ELU.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def _selu(x: Array) -> Array:
    return SELU_SCALE * _elu(x, SELU_ALPHA)


def _selu_slope(x: Array) -> Array:
    return SELU_SCALE * _elu_slope(x, SELU_ALPHA)


selu = Activation(
    "selu",
    (-SELU_SCALE * SELU_ALPHA, _INF),
    True,
    "left",
    "lecun_normal",
    SELU_SCALE * SELU_ALPHA,
    _selu,
    _selu_slope,
)
"""ELU, scaled: the constants keep mean 0 and variance 1 (Klambauer et al. 2017, eq. 2)."""


def _softplus(x: Array) -> Array:
    # log(1 + e^x) = max(x, 0) + log(1 + e^-|x|): the exponent is never positive.
    return _positive(x) + np.log1p(np.exp(-np.abs(x)))


softplus = Activation("softplus", (0.0, _INF), False, "left", "he_normal", 1.0, _softplus, _sigmoid)
"""log(1 + e^x), a smooth ReLU; its slope is the sigmoid (Dugas et al. 2001)."""


def _silu(x: Array) -> Array:
    return np.asarray(_sigmoid(x) * _finite(x, np.inf))


def _silu_slope(x: Array) -> Array:
    return np.asarray(_sigmoid(x) + _sigmoid_slope(x) * _finite(x))


silu = Activation(
    "silu",
    (-0.27846454276107380, _INF),
    True,
    "left",
    "he_normal",
    1.099839320128867,
    _silu,
    _silu_slope,
)
"""x sigmoid(x), also called Swish (Hendrycks and Gimpel 2016; Elfwing et al. 2018).

Ramachandran et al. 2017 found it again by search and gave it the second name.
"""


_ROOT_2 = float(np.sqrt(2.0))
_ROOT_2_PI = float(np.sqrt(2.0 * np.pi))
_ROOT_2_OVER_PI = float(np.sqrt(2.0 / np.pi))


def _normal_cdf(x: Array) -> Array:
    from scipy.special import erfc

    # SciPy has no erfc in a type wider than float64.
    known = np.float64 if x.dtype == np.longdouble else x.dtype
    return np.asarray(0.5 * erfc(-x.astype(known) / _ROOT_2))


def _square(x: Array) -> Array:
    """Return x^2, cut off where e^-x^2 is 0 in any floating type."""
    return np.minimum(np.abs(x), 1e4) ** 2


def _gelu(x: Array, approximate: bool) -> Array:
    if not approximate:
        return np.asarray(_normal_cdf(x) * _finite(x, np.inf))
    return np.asarray(_sigmoid(2 * _gelu_inner(x)) * _finite(x, np.inf))


def _gelu_inner(x: Array) -> Array:
    return _ROOT_2_OVER_PI * (x + 0.044715 * (x * x * x))


def _gelu_slope(x: Array, approximate: bool) -> Array:
    if not approximate:
        return np.asarray(_normal_cdf(x) + np.exp(-_square(x) / 2) / _ROOT_2_PI * _finite(x))
    cut = np.clip(x, -1e4, 1e4)
    inner_slope = _ROOT_2_OVER_PI * (1 + 3 * 0.044715 * cut**2)
    gate_slope = 2 * _sigmoid_slope(2 * _gelu_inner(x)) * inner_slope
    return np.asarray(_sigmoid(2 * _gelu_inner(x)) + gate_slope * cut)


gelu = Activation(
    "gelu",
    (-0.16997120747990369, _INF),
    True,
    "left",
    "he_normal",
    1.128904145185155,  # at the square root of 2
    _gelu,
    _gelu_slope,
    {"approximate": False},
)
"""x Phi(x), Phi the normal distribution function (Hendrycks and Gimpel 2016).

``approximate=True`` is their tanh form, half x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))).
"""


def _stable_shift(z: Array, axis: int) -> Array:
    """Return ``z`` minus its largest entry, rows with infinities already turned into limits."""
    top = np.max(z, axis=axis, keepdims=True)
    if np.isfinite(top).all():
        return np.asarray(z - top)
    # +inf among finite logits: the infinite ones share everything; all -inf: all share equally.
    return np.where(np.isinf(top) & (z == top), 0, z - top)


def _softmax(z: Array, temperature: float, axis: int) -> Array:
    if z.shape[axis] == 0:
        return z.copy()
    shifted = _stable_shift(z, axis)
    if temperature != 1:
        # In float32 a small temperature would round to 0 and make 0 / 0 of the largest entry.
        shifted = shifted / np.float64(temperature)
    weights = np.exp(shifted, out=shifted)
    return np.asarray(np.divide(weights, np.sum(weights, axis=axis, keepdims=True), out=weights))


def _softmax_jacobian(z: Array, temperature: float) -> Array:
    p = _softmax(z, temperature, -1)  # (..., k)
    identity = np.eye(z.shape[-1])  # (k, k)
    return np.asarray(p[..., :, None] * (identity - p[..., None, :]) / np.float64(temperature))


softmax = Activation(
    "softmax",
    (0.0, 1.0),
    False,
    "both",
    "glorot_uniform",
    0.25,
    _softmax,
    None,
    {"temperature": 1.0},
)
"""e^(z_i / temperature) over the sum of these: positive numbers that add up to 1 (Bridle 1990)."""


def _log_softmax(z: Array, axis: int) -> Array:
    if z.shape[axis] == 0:
        return z.copy()
    shifted = _stable_shift(z, axis)
    return np.asarray(shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True)))


def _log_softmax_jacobian(z: Array) -> Array:
    p = _softmax(z, 1.0, -1)  # (..., k)
    return np.asarray(np.eye(z.shape[-1]) - p[..., None, :])


log_softmax = Activation(
    "log_softmax", (-_INF, 0.0), False, "no", "glorot_uniform", 1.0, _log_softmax
)
"""The logarithm of softmax at temperature 1, finite where softmax itself rounds to 0."""


_ALL = {
    activation.name: activation
    for activation in [
        linear,
        sigmoid,
        tanh,
        relu,
        leaky_relu,
        elu,
        selu,
        softplus,
        silu,
        gelu,
        softmax,
        log_softmax,
    ]
}
NAMES: tuple[str, ...] = tuple(_ALL)
"""The names of all activations."""


def get(name: str | Activation) -> Activation:
    """Return the activation of that name; an ``Activation`` is returned as it is.

    Raises:
        ValueError: if the name is unknown; the message lists the known ones.

    Examples:
        >>> get("relu").initializer
        'he_normal'
    """
    if isinstance(name, Activation):
        return name
    if not isinstance(name, str) or name not in _ALL:
        raise ValueError(f"unknown activation {name!r}; known: {', '.join(NAMES)}")
    return _ALL[name]
