"""The product, measured: what each layer does to the signal and to the gradient.

**Gains.** A layer's gain is the factor by which it changes the gradient's size on its way back,

    gain_l = ||dL/da_(l-1)|| / ||dL/da_l||,

Frobenius norms over batch and units, with a_0 = x. It holds the layer's weights W_l and slopes
phi'(z_l) as they act on the gradient that really passes. The product of the hidden layers' gains
is ||dL/dx|| / ||dL/da_L||, exactly.

**When is a product too small or too large?** Schoenholz et al. (2017) let the gradient's mean
square change by a factor chi a layer; here chi = gain^2. It falls or grows by e over a depth scale
xi = 1 / |ln chi| of layers, and networks were seen to train up to about six depth scales.
A network of L hidden layers is beyond that when L > 6 xi, that is when |ln of the product of
gain^2| > 6: the product of gains lies outside [e^-3, e^3], about [0.05, 20]. Shared out evenly, a
layer's gain must lie within [e^(-3/L), e^(3/L)]: the deeper the network, the narrower.

**Dead and saturated units** are charged from the same account. Where a share d of a layer's units
is dead, gain^2 loses the factor 1 - d; the layer is charged when that factor alone is below
its share e^(-6/L). A unit counts as saturated on an example where its slope is below e^-3 times
the activation's largest slope: it alone would use up the whole network's account. Its share is
charged in the same way.

The first layer's weight gradient being much smaller than the last one's is *not* the criterion. In
a badly scaled ReLU network the signal shrinks on the way forward and the gradient on the way back,
so that the two ends' weight gradients stay alike while the product of gains goes to zero.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from livegrad._checks import generator
from livegrad.network import MLP

if TYPE_CHECKING:
    from livegrad.figures import Figure

__all__ = ["CODES", "DEPTH_SCALES", "LayerSignal", "Report", "measure", "through_depth"]

Array = NDArray[Any]

# Schoenholz et al. 2017: trainable to about this many depth scales.
DEPTH_SCALES = 6.0

CODES = (
    "non-finite",
    "symmetric-weights",
    "exploding-gradient",
    "vanishing-gradient",
    "dead-units",
    "saturated-units",
    "healthy",
)


@dataclass(frozen=True)
class LayerSignal:
    """What was measured at one layer.

    Attributes:
        layer: its number, from 1.
        name: "hidden 1", ..., "output".
        activation: its activation's name; the head's for the output layer.
        shape: (fan_in, fan_out).
        mean: of the activations, over batch and units.
        spread: how much of the difference between the inputs is left: the standard deviation over
            the examples, as the root mean square over the units.
        dead: share of units whose slope is 0 for every example.
        saturated: share of (example, unit) pairs with nearly no slope.
        gradient_norm: Frobenius norm of dL/dW.
        gain: the factor that the layer puts into the gradient's product.
        signal_gain: the factor by which it changes the spread.
        verdict: one of ``CODES``.
    """

    layer: int
    name: str
    activation: str
    shape: tuple[int, int]
    mean: float
    spread: float
    dead: float
    saturated: float
    gradient_norm: float
    gain: float
    signal_gain: float
    verdict: str


@dataclass(frozen=True)
class Report:
    """A network's signals, layer by layer, with a verdict; prints as a table.

    Attributes:
        layers: one ``LayerSignal`` per hidden layer, then one for the output layer.
        loss: the mean loss.
        gain: product of the hidden layers' gains.
        signal_gain: product of the hidden layers' signal gains.
        verdict: one of ``CODES``.
        why: the number that decided, beside its threshold.
    """

    layers: tuple[LayerSignal, ...]
    loss: float
    gain: float
    signal_gain: float
    verdict: str
    why: str

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return self.verdict == "healthy"

    def plot(self) -> Figure:
        """Draw spread and gradient norm layer by layer."""
        from livegrad import figures

        return figures.depth({"": self})

    def __str__(self) -> str:
        rows = ["layer       mean    spread   dead   sat.  |dL/dW|    gain   verdict"]
        for s in self.layers:
            rows.append(
                f"{s.name:9} {s.mean:7.3f} {s.spread:9.2e} {s.dead:6.0%} {s.saturated:6.0%} "
                f"{s.gradient_norm:8.1e} {s.gain:7.3g}   {s.verdict}"
            )
        rows.append(f"product of gains {self.gain:.3g}: {self.verdict}, {self.why}")
        return "\n".join(rows)


def measure(net: MLP, x: ArrayLike, y: ArrayLike) -> Report:
    """Run one forward and one backward pass, without dropout, and judge what passed.

    The module's text derives the thresholds. A network without hidden layers has the product 1.

    Args:
        net: the network; it is not changed.
        x: inputs, shape (n, widths[0]); a few hundred examples are enough.
        y: labels that fit the head.

    Raises:
        ValueError: if the data do not fit the network, or there are no examples.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal((100, 8))
        >>> net = MLP([8] + 10 * [32] + [1], activation="sigmoid", rng=0)
        >>> measure(net, x, x[:, 0] > 0).verdict
        'vanishing-gradient'

    Source:
        Glorot and Bengio 2010 (what is measured); Schoenholz et al. 2017 (the threshold).
    """
    trace = net.forward(x)
    gradients = net.backward(trace, y)
    depth = net.depth
    with np.errstate(over="ignore", invalid="ignore"):
        signals = [trace.x, *trace.a, net.head.predict(trace.logits)]
        spreads = [_spread(signal) for signal in signals]
        sizes = [np.linalg.norm(g.astype(np.float64)) for g in [gradients.x, *gradients.a]]
        sizes.append(np.linalg.norm(gradients.z[-1].astype(np.float64)))
        gains = [_ratio(sizes[at], sizes[at + 1]) for at in range(depth + 1)]
        signal_gains = [_ratio(spreads[at + 1], spreads[at]) for at in range(depth + 1)]
        product = float(np.prod(gains[:depth]))
        signal_product = float(np.prod(signal_gains[:depth]))
        norms = gradients.norms()

    layers = []
    reasons = []
    for at in range(depth + 1):
        hidden = at < depth
        dead, saturated = _shares(net, trace.z[at]) if hidden else (0.0, 0.0)
        arrays = [trace.z[at], net.weights[at], gradients.weights[at]]
        finite = all(bool(np.isfinite(array).all()) for array in arrays)
        verdict, why = _judge_layer(
            finite=finite,
            symmetric=_symmetric(net, at),
            gain=gains[at] if hidden else 1.0,
            product=product,
            dead=dead,
            saturated=saturated,
            depth=depth,
        )
        name = f"hidden {at + 1}" if hidden else "output"
        reasons.append((verdict, f"{name}: {why}"))
        layers.append(
            LayerSignal(
                at + 1,
                name,
                net.activation.name if hidden else net.head.activation,
                (net.widths[at], net.widths[at + 1]),
                float(np.mean(signals[at + 1])),
                spreads[at + 1],
                dead,
                saturated,
                norms[at],
                gains[at],
                signal_gains[at],
                verdict,
            )
        )
    verdict, why = _judge_network(product, reasons)
    return Report(tuple(layers), gradients.loss, product, signal_product, verdict, why)


def _spread(signal: Array) -> float:
    return float(np.sqrt(np.mean(np.var(signal.astype(np.float64), axis=0))))


def _ratio(above: Any, below: Any) -> float:
    """Return above / below, and 0 where nothing is left to pass on."""
    return float(above / below) if below != 0 else 0.0


def _shares(net: MLP, z: Array) -> tuple[float, float]:
    """Return the shares of dead units and of saturated (example, unit) pairs."""
    if not net.activation.elementwise:
        return 0.0, 0.0
    slope = np.abs(net.activation.derivative(z))  # (n, fan_out)
    dead = float(np.mean((slope == 0).all(axis=0)))
    if net.activation.saturates == "no":
        return dead, 0.0
    little = math.exp(-DEPTH_SCALES / 2) * net.activation.max_slope
    # A slope of exactly 0 on the left is how ReLU works; only the dead count there.
    low = (slope < little) & (slope > 0) if net.activation.name == "relu" else slope < little
    return dead, float(np.mean(low))


def _symmetric(net: MLP, at: int) -> bool:
    weight, bias = net.weights[at], net.biases[at]
    alike = (weight == weight[:, :1]).all() and (bias == bias[0]).all()
    return bool(weight.shape[1] > 1 and alike)


def _judge_layer(
    *,
    finite: bool,
    symmetric: bool,
    gain: float,
    product: float,
    dead: float,
    saturated: float,
    depth: int,
) -> tuple[str, str]:
    if not finite:
        return "non-finite", "a value, weight or gradient is not finite"
    if symmetric:
        return "symmetric-weights", "all units have the same weights, so they stay the same"
    account = math.exp(-DEPTH_SCALES / 2)
    share = account ** (1 / max(depth, 1))
    if product > 1 / account and gain > 1 / share:
        return "exploding-gradient", f"gain {gain:.3g} is above {1 / share:.3g}"
    if product < account and gain < share:
        return "vanishing-gradient", f"gain {gain:.3g} is below {share:.3g}"
    if 1 - dead < share**2:
        return "dead-units", f"{dead:.0%} of the units are dead, above {1 - share**2:.0%}"
    if 1 - saturated < share**2:
        return "saturated-units", f"{saturated:.0%} are saturated, above {1 - share**2:.0%}"
    return "healthy", "within its share"


def _judge_network(product: float, reasons: list[tuple[str, str]]) -> tuple[str, str]:
    """Return the gravest verdict and the first layer's reason, or the product's."""
    account = math.exp(-DEPTH_SCALES / 2)
    found = dict(reversed(reasons))
    for code in ("non-finite", "symmetric-weights"):
        if code in found:
            return code, found[code]
    if product > 1 / account:
        return "exploding-gradient", f"above e^3 = {1 / account:.1f}"
    if product < account:
        return "vanishing-gradient", f"below e^-3 = {account:.3f}"
    for code in ("dead-units", "saturated-units"):
        if code in found:
            return code, found[code]
    return "healthy", f"between e^-3 = {account:.3f} and e^3 = {1 / account:.1f}"


def through_depth(
    activation: str,
    initializer: str | None = None,
    depth: int = 10,
    width: int = 64,
    n: int = 256,
    rng: np.random.Generator | int = 0,
) -> Report:
    """Measure a fresh binary network of equal layers on standard normal inputs.

    Args:
        activation: name of the hidden layers' activation.
        initializer: name of the initializer; without one, the pairing of the activation.
        depth: number of hidden layers.
        width: units of each, and number of inputs.
        n: examples.
        rng: generator or seed for data and weights.

    Example:
        >>> through_depth("relu").verdict
        'healthy'
    """
    random = generator(rng)
    x = random.standard_normal((n, width))
    y = random.integers(0, 2, n)
    net = MLP([width] + depth * [width] + [1], activation, initializer, rng=random)
    return measure(net, x, y)
