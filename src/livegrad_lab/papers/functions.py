"""Activations and heads: constants of the papers, computed anew, and first weights from data."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from livegrad import MLP, activations, outputs
from livegrad._checks import Array
from livegrad.activations import gelu, sigmoid, softmax, softplus

__all__ = [
    "best_cubic",
    "best_logistic",
    "bridle_gap",
    "curvature_peak",
    "lecun_tanh",
    "logit_floor",
    "lsuv",
    "lsuv_variance",
    "mean_activation",
    "sigmoid_form_error",
    "softplus_slope_gap",
    "tanh_form_error",
    "unit_gain",
    "variance_after",
]

_GRID = np.linspace(-8, 8, 160_001)


def lecun_tanh(x: Array | float) -> Array:
    """Return 1.7159 tanh(2 x / 3).

    Source:
        LeCun et al. 1998, section 4.4.
    """
    return np.asarray(1.7159 * np.tanh(2 / 3 * np.asarray(x)))


def curvature_peak() -> float:
    """Return the input above 0 at which the second derivative of ``lecun_tanh`` is largest."""
    x = np.linspace(0, 4, 400_001)
    t = np.tanh(2 / 3 * x)
    return float(x[np.argmax(t * (1 - t * t))])


def _gaussian_mean(f: Callable[[Array], Array]) -> float:
    x, w = np.polynomial.hermite_e.hermegauss(120)
    return float(np.sum(w * f(x)) / math.sqrt(2 * math.pi))


def unit_gain(activation: str) -> float:
    """Return the factor that gives phi(z), z standard normal, a mean square of 1."""
    return 1 / math.sqrt(_gaussian_mean(lambda z: activations.get(activation)(z) ** 2))


def variance_after(gain: float, layers: int) -> float:
    """Return the variance of a wide tanh network's activations, first weights gain^2 / fan_in.

    For inputs of variance 1.
    """
    variance = 1.0
    for _ in range(layers):
        deviation = gain * math.sqrt(variance)
        variance = _gaussian_mean(lambda z, s=deviation: np.tanh(s * z) ** 2)  # type: ignore[misc]
    return variance


def tanh_form_error(cubic: float = 0.044715) -> float:
    """Return the largest error of GELU's form with tanh.

    Source:
        Hendrycks and Gimpel 2016, section 2.
    """
    form = 0.5 * _GRID * (1 + np.tanh(math.sqrt(2 / math.pi) * (_GRID + cubic * _GRID**3)))
    return float(np.abs(gelu(_GRID) - form).max())


def sigmoid_form_error(factor: float = 1.702) -> float:
    """Return the largest error of GELU's form with a sigmoid.

    Source:
        Hendrycks and Gimpel 2016, section 2.
    """
    return float(np.abs(gelu(_GRID) - _GRID * sigmoid(factor * _GRID)).max())


def best_logistic() -> float:
    """Return the factor for which sigmoid(factor * x) comes closest to the normal distribution."""
    from scipy.optimize import minimize_scalar
    from scipy.special import ndtr

    x = _GRID[::20]
    normal = ndtr(x)
    found = minimize_scalar(
        lambda factor: float(np.abs(normal - sigmoid(factor * x)).max()),
        bounds=(1.5, 2.0),
        method="bounded",
        options={"xatol": 1e-6},
    )
    return float(found.x)


def best_cubic() -> float:
    """Return the coefficient of x^3 for which GELU's form with tanh has the least largest error."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        tanh_form_error, bounds=(0.04, 0.05), method="bounded", options={"xatol": 1e-7}
    )
    return float(found.x)


def mean_activation(activation: str, seeds: Sequence[int], depth: int = 5) -> list[float]:
    """Return the absolute mean of the last hidden layer's activations, its root mean square as 1.

    Fresh networks of 200 units with the activation's pairing, normal inputs, one value a seed.

    Source:
        Clevert et al. 2016.
    """
    values = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        net = MLP([200, *depth * [200], 1], activation, rng=rng)
        a = net.forward(rng.standard_normal((200, 200))).a[-1]  # (examples, units)
        values.append(float(abs(a.mean()) / math.sqrt(np.mean(a * a))))
    return values


def softplus_slope_gap() -> float:
    """Return the largest difference of softplus's central difference and the sigmoid.

    Source:
        Dugas et al. 2001.
    """
    x, step = np.linspace(-20, 20, 4001), 1e-5
    slope = (softplus(x + step) - softplus(x - step)) / (2 * step)
    return float(np.abs(slope - sigmoid(x)).max())


def bridle_gap(seed: int = 0) -> float:
    """Return the largest gap of the gradient and p - y, and of two classes' softmax and a sigmoid.

    The gradient of the log-likelihood is taken by central differences.

    Source:
        Bridle 1990.
    """
    rng = np.random.default_rng(seed)
    z, y, step = rng.standard_normal((20, 5)), rng.integers(0, 5, 20), 1e-5
    head = outputs.head("multiclass")
    numeric = np.empty_like(z)
    for row, column in np.ndindex(*z.shape):
        shift = np.zeros_like(z)
        shift[row, column] = step
        rise = head.loss_value(z + shift, y) - head.loss_value(z - shift, y)
        numeric[row, column] = rise / (2 * step)
    gradient = float(np.abs(numeric - (softmax(z) - np.eye(5)[y]) / len(z)).max())
    two = z[:, :2]
    same = float(np.abs(softmax(two)[:, 1] - sigmoid(two[:, 1] - two[:, 0])).max())
    return max(gradient, same)


def logit_floor(classes: int) -> float:
    """Return the least loss when probabilities are fed where logits are meant.

    The surest answer, 1 for the right class and 0 elsewhere, becomes the logits of a second
    softmax: its loss is ln(1 + (classes - 1) / e).
    """
    return math.log(1 + (classes - 1) / math.e)


def lsuv(net: MLP, x: Array, tolerance: float = 0.1, tries: int = 10) -> list[int]:
    """Give each layer's pre-activations the variance 1 on data; return how often each was scaled.

    The network starts from orthogonal matrices; its biases stay 0.

    Args:
        net: the network; its weights are changed.
        x: inputs, shape (n, widths[0]).
        tolerance: how far a variance may be from 1.
        tries: scalings at most.

    Source:
        Mishkin and Matas 2016, algorithm 1.
    """
    counts = []
    signal = x  # (n, units)
    for at in range(net.depth):
        count = 0
        z = signal @ net.weights[at]  # (n, units)
        while abs((variance := float(z.var())) - 1) >= tolerance and count < tries:
            net.weights[at] /= math.sqrt(variance)
            z = signal @ net.weights[at]
            count += 1
        signal = net.activation(z)
        counts.append(count)
    return counts


def lsuv_variance(
    activation: str, seeds: Sequence[int], depth: int = 30, width: int = 64
) -> list[float]:
    """Return the last hidden layer's variance on new inputs after ``lsuv``, one value a seed."""
    values = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        net = MLP([width, *depth * [width], 1], activation, "orthogonal", rng=rng)
        lsuv(net, rng.standard_normal((256, width)))
        values.append(float(net.forward(rng.standard_normal((256, width))).z[net.depth - 1].var()))
    return values
