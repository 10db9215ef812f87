"""The factor phi'(z): twelve activations, each with its value and its derivative.

Every function keeps the floating type of its input, turns integers into float64, passes NaN
through and never warns: the formulas are arranged so that nothing overflows on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from livegrad._checks import floating

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

Array = NDArray[Any]

# Klambauer et al. 2017, eq. 14: the fixed point (mean 0, variance 1) of the scaled ELU.
SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def _ones(x: Array) -> Array:
    return np.where(np.isnan(x), x, 1)


def _sigmoid(x: Array) -> Array:
    # exp of a number that is never positive cannot overflow; both forms equal 1 / (1 + e^-x).
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def _sigmoid_slope(x: Array) -> Array:
    small = np.exp(-np.abs(x))
    return np.asarray(small / (1 + small) ** 2)


def _tanh_slope(x: Array) -> Array:
    # 1 - tanh^2 loses all its digits where tanh rounds to 1; this form does not.
    small = np.exp(-2 * np.abs(x))
    return np.asarray(4 * small / (1 + small) ** 2)


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _step(x: Array) -> Array:
    return np.where(np.isnan(x), x, x > 0)


def _leaky_relu(x: Array, negative_slope: float) -> Array:
    return np.where(x > 0, x, _times(negative_slope, x))


def _leaky_relu_slope(x: Array, negative_slope: float) -> Array:
    return np.where(np.isnan(x), x, np.where(x > 0, 1, negative_slope))


def _elu(x: Array, alpha: float) -> Array:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _elu_slope(x: Array, alpha: float) -> Array:
    return np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))


def _selu(x: Array) -> Array:
    return SELU_SCALE * _elu(x, SELU_ALPHA)


def _selu_slope(x: Array) -> Array:
    return SELU_SCALE * _elu_slope(x, SELU_ALPHA)


def _softplus(x: Array) -> Array:
    # log(1 + e^x) = max(x, 0) + log(1 + e^-|x|): the exponent is never positive.
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _times(a: Array | float, b: Array) -> Array:
    """Return the product with 0 * inf = 0, the limit of every product below."""
    with np.errstate(invalid="ignore"):
        product = a * b
    return np.where((np.asarray(a) == 0) & np.isinf(b), 0, product)


def _silu(x: Array) -> Array:
    return _times(_sigmoid(x), x)


def _silu_slope(x: Array) -> Array:
    return _sigmoid(x) + _times(_sigmoid_slope(x), x)


_ROOT_2 = float(np.sqrt(2.0))
_ROOT_2_PI = float(np.sqrt(2.0 * np.pi))
_ROOT_2_OVER_PI = float(np.sqrt(2.0 / np.pi))


def _normal_cdf(x: Array) -> Array:
    from scipy.special import erfc

    return np.asarray(0.5 * erfc(-x / _ROOT_2), dtype=x.dtype)


def _square(x: Array) -> Array:
    """Return x^2, cut off where e^-x^2 is 0 in any floating type."""
    return np.minimum(np.abs(x), 1e4) ** 2


def _gelu(x: Array, approximate: bool) -> Array:
    if not approximate:
        return _times(_normal_cdf(x), x)
    return _times(_sigmoid(2 * _gelu_inner(x)), x)


def _gelu_inner(x: Array) -> Array:
    cut = np.clip(x, -1e4, 1e4)
    return _ROOT_2_OVER_PI * (cut + 0.044715 * cut**3)


def _gelu_slope(x: Array, approximate: bool) -> Array:
    if not approximate:
        return _normal_cdf(x) + _times(np.exp(-_square(x) / 2) / _ROOT_2_PI, x)
    cut = np.clip(x, -1e4, 1e4)
    inner_slope = _ROOT_2_OVER_PI * (1 + 3 * 0.044715 * cut**2)
    gate_slope = 2 * _sigmoid_slope(2 * _gelu_inner(x)) * inner_slope
    return _sigmoid(2 * _gelu_inner(x)) + _times(gate_slope, cut)


def _stable_shift(z: Array, axis: int) -> Array:
    """Return ``z`` minus its largest entry, rows with infinities already turned into limits."""
    top = np.max(z, axis=axis, keepdims=True)
    with np.errstate(invalid="ignore"):
        shifted = z - top
    # +inf among finite logits: the infinite ones share everything; all -inf: all share equally.
    return np.where(np.isinf(top) & (z == top), 0, shifted)


def _softmax(z: Array, temperature: float, axis: int) -> Array:
    if z.shape[axis] == 0:
        return z.copy()
    with np.errstate(over="ignore"):
        weights = np.exp(_stable_shift(z, axis) / temperature)
    return np.asarray(weights / np.sum(weights, axis=axis, keepdims=True))


def _log_softmax(z: Array, axis: int) -> Array:
    if z.shape[axis] == 0:
        return z.copy()
    shifted = _stable_shift(z, axis)
    return np.asarray(shifted - np.log(np.sum(np.exp(shifted), axis=axis, keepdims=True)))


@dataclass(frozen=True)
class Activation:
    """An activation function with its derivative and what is known of it.

    Call it for the value. The elementwise ones have ``derivative``, the slope at each entry; for
    ``softmax`` and ``log_softmax``, where each output depends on every input, ``jacobian`` takes
    its place.

    Attributes:
        name: the name Keras uses.
        range: smallest and largest value, reached or approached.
        zero_centered: whether outputs of both signs occur for inputs of both signs.
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
    zero_centered: bool
    saturates: str
    initializer: str
    max_slope: float
    _value: Callable[..., Array] = field(repr=False)
    _slope: Callable[..., Array] | None = field(default=None, repr=False)
    parameters: Mapping[str, float] = field(default_factory=dict)

    @property
    def elementwise(self) -> bool:
        """Whether each output depends on its own input only."""
        return self._slope is not None

    def __call__(self, x: ArrayLike, *, axis: int = -1, **parameters: float) -> Array:
        """Return the activation of ``x``, in the same shape and floating type.

        Args:
            x: real numbers of any shape; integers become float64.
            axis: the axis that softmax and log_softmax normalise; unused by the others.
            **parameters: those of ``parameters``, e.g. ``negative_slope=0.2``.

        Raises:
            TypeError: if ``x`` holds no real numbers or a parameter is unknown.
            ValueError: if a parameter is out of its range.
        """
        array = floating(x)
        given = self._check(parameters)
        if self.elementwise:
            return self._in_type(array, self._value, given)
        if array.ndim == 0:
            raise ValueError(f"{self.name} needs at least one axis, got the number {x!r}")
        return self._in_type(array, self._value, given | {"axis": axis})

    def derivative(self, x: ArrayLike, **parameters: float) -> Array:
        """Return the slope at every entry of ``x``, in the same shape and floating type.

        At a kink the slope is the left one, as in TensorFlow: 0 for ReLU at 0 (a convention, the
        derivative does not exist there), ``negative_slope`` for leaky ReLU, ``alpha`` for ELU.

        Raises:
            TypeError: for softmax and log_softmax; use ``jacobian``.
        """
        if self._slope is None:
            raise TypeError(f"{self.name} is not elementwise: use {self.name}.jacobian(z)")
        return self._in_type(floating(x), self._slope, self._check(parameters))

    def jacobian(self, z: ArrayLike, *, temperature: float = 1.0) -> Array:
        """Return d(output_i) / d(z_j) over the last axis, shape (..., k, k).

        Softmax: p_i (1[i = j] - p_j) / temperature (Bridle 1990). Log-softmax: 1[i = j] - p_j.

        Raises:
            TypeError: for elementwise activations; use ``derivative``.
        """
        if self.elementwise:
            raise TypeError(f"{self.name} is elementwise: use {self.name}.derivative(x)")
        array = floating(z, "z")
        softening = temperature if self.name == "softmax" else 1.0
        p = softmax(array, temperature=softening)  # (..., k)
        identity = np.eye(array.shape[-1], dtype=array.dtype)  # (k, k)
        if self.name == "log_softmax":
            return np.asarray(identity - p[..., None, :])
        scale = np.asarray(temperature, dtype=array.dtype)
        return np.asarray(p[..., :, None] * (identity - p[..., None, :]) / scale)

    def vjp(self, x: ArrayLike, upstream: ArrayLike) -> Array:
        """Return dL/dx given ``upstream`` = dL/d(output): one layer's step of backpropagation.

        Args:
            x: the activation's input, shape (..., k).
            upstream: same shape.

        Raises:
            ValueError: if the shapes differ.
        """
        array, above = floating(x), floating(upstream, "upstream")
        if array.shape != above.shape:
            raise ValueError(f"upstream must have x's shape {array.shape}, got {above.shape}")
        if self.elementwise:
            return np.asarray(above * self.derivative(array))
        p = softmax(array)  # (..., k)
        if self.name == "log_softmax":
            return np.asarray(above - p * np.sum(above, axis=-1, keepdims=True))
        return np.asarray(p * (above - np.sum(above * p, axis=-1, keepdims=True)))

    def _check(self, parameters: dict[str, float]) -> dict[str, float]:
        for name, value in parameters.items():
            if name not in self.parameters:
                known = ", ".join(self.parameters) or "none"
                raise TypeError(f"{self.name} has no parameter {name!r}; it has: {known}")
            if not np.isfinite(value):
                raise ValueError(f"{name} must be finite, got {value!r}")
            if name == "temperature" and value <= 0:
                raise ValueError(f"temperature must be above 0, got {value!r}")
        return {**self.parameters, **parameters}

    @staticmethod
    def _in_type(x: Array, formula: Callable[..., Array], given: dict[str, Any]) -> Array:
        # float16 has too few digits to compute in; a result beyond the type's range is its limit.
        wide = x.astype(np.float32) if x.dtype == np.float16 else x
        with np.errstate(over="ignore"):
            return np.asarray(formula(wide, **given)).astype(x.dtype)


_INF = float("inf")

linear = Activation("linear", (-_INF, _INF), True, "no", "glorot_uniform", 1.0, np.copy, _ones)
sigmoid = Activation(
    "sigmoid", (0.0, 1.0), False, "both", "glorot_uniform", 0.25, _sigmoid, _sigmoid_slope
)
tanh = Activation("tanh", (-1.0, 1.0), True, "both", "glorot_uniform", 1.0, np.tanh, _tanh_slope)
# Nair and Hinton 2010; Glorot et al. 2011.
relu = Activation("relu", (0.0, _INF), False, "left", "he_normal", 1.0, _relu, _step)
# Maas et al. 2013, with their slope of 0.01.
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
# Clevert et al. 2016, eq. 15.
elu = Activation(
    "elu", (-1.0, _INF), True, "left", "he_normal", 1.0, _elu, _elu_slope, {"alpha": 1.0}
)
# Klambauer et al. 2017, eq. 2.
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
# Dugas et al. 2001: its derivative is the sigmoid.
softplus = Activation("softplus", (0.0, _INF), False, "left", "he_normal", 1.0, _softplus, _sigmoid)
# Hendrycks and Gimpel 2016; Elfwing et al. 2018; Ramachandran et al. 2017 (as Swish).
silu = Activation(
    "silu",
    (-0.27846454276107380, _INF),
    True,
    "left",
    "he_normal",
    1.0998393194651294,
    _silu,
    _silu_slope,
)
# Hendrycks and Gimpel 2016; approximate=True is their tanh form.
gelu = Activation(
    "gelu",
    (-0.16997120747990369, _INF),
    True,
    "left",
    "he_normal",
    1.1289041451240456,
    _gelu,
    _gelu_slope,
    {"approximate": False},
)
# Bridle 1990.
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
log_softmax = Activation(
    "log_softmax", (-_INF, 0.0), False, "no", "glorot_uniform", 1.0, _log_softmax
)

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
    if name not in _ALL:
        raise ValueError(f"unknown activation {name!r}; known: {', '.join(NAMES)}")
    return _ALL[name]
