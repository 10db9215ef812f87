"""The two products, measured: what each layer does to the gradient and to the signal.

**The gradient's gain** of hidden layer l is the factor by which it changes the gradient's size on
its way back, with delta_l = dL/dz_l and layer L + 1 the output,

    g_l = ||delta_l|| / ||delta_(l+1)||,

Frobenius norms over batch and units. It holds W_(l+1), the slopes phi'(z_l) and, in training, the
mask, as they act on the gradient that really passes. The product over the hidden layers is
||delta_1|| / ||delta_(L+1)||, exactly. The first layer's own weights are not in it, the output's
are. Papers that speak of the variance per unit mean another number where the widths differ: its
root changes by g_l sqrt(n_(l+1) / n_l), with n_l the units of layer l.

**The signal's gain** s_l is the spread of a_l over that of a_(l-1), with a_0 = x: the factor by
which the layer changes the difference between inputs. Its product is spread(a_L) / spread(x).

**The weights' gradient** needs both: dL/dW_l = a_(l-1)^T delta_l is the signal that came in times
the gradient that came back. Where the first layer's weights are a thousand times too small, its own
gradient is as large as ever, and those of all later layers are a thousandth: the signal has
vanished, not the gradient. And where both products go to zero alike, the first layer's weight
gradient is hardly smaller than the last one's. It is therefore not what is judged.

**When is a product too small or too large?** ``GRADIENT_BOUNDS`` and ``SIGNAL_BOUNDS`` say, for
plain SGD, which ``MLP.fit`` is, and for Adam; ``measure`` takes those of SGD. A single layer is
named only where the whole product is out of bounds, and if its own gain lies outside the L-th roots
of the bounds: the deeper the network, the narrower. A low gain that the other layers make up for is
no fault.

**Dead and saturated units.** A unit is dead when its slope is 0 on every example. It is saturated
on one example when its slope there is below a twentieth of the activation's largest slope. Let u be
the share of units that work where all is well: all (u = 1) where the activation saturates on both
sides; half (u = 1/2) where it falls silent on the left only, since random weights put half of the
units there, which He's factor 2 makes good. Where a share s of the units is lost, g_l^2 has at most
the factor (1 - s) / u of what it has where all is well. A layer is named where L layers like it
would leave less than a twentieth of the gradient,

    (1 - s) / u < (1/20)^(2/L).

In a deep ReLU network all examples come to look alike, so that a unit silent on one is silent on
all: up to half of the units are then dead at no cost. Which half is chance, like the heads among N
coins, so a layer is named only if its share also exceeds 1 - u by 3 sqrt(u (1 - u) / N), three
standard deviations for a layer of N units. Chance excuses 99 % at most: a layer that is lost
altogether passes nothing on, however it came about.

**Symmetric weights**: all units of a hidden layer have the same weights and bias, so they are
copies of one unit. The output layer is not judged, since the labels tell its units apart.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from livegrad._checks import Array, counted, generator
from livegrad.activations import Activation
from livegrad.network import MLP, Gradients, Trace
from livegrad.optimizers import _norm

__all__ = [
    "CODES",
    "GRADIENT_BOUNDS",
    "SIGNAL_BOUNDS",
    "LayerSignal",
    "Report",
    "measure",
    "through_depth",
]

GRADIENT_BOUNDS = {"SGD": (0.005, 20.0), "Adam": (0.001, 4000.0)}
"""Between what values of the gradient's product networks trained, by optimizer.

Measured, and read off to one digit: networks of 3 and 8 layers of 32 units, all of whose layers
were made too small or too large, on digits, each at its own best rate (the site's page
``gradients/trainability``). A single layer that is far off did not keep them from training.
"""
SIGNAL_BOUNDS = {"SGD": (0.004, 100.0), "Adam": (0.001, 3000.0)}
"""The same for the signal's product."""
# A slope below this times the largest one counts as saturated; layers that lose units are named
# where all of them together would leave less than this of the gradient.
A_TWENTIETH = 0.05
# The largest share of lost units that chance excuses, in however narrow a layer.
EXCUSED = 0.99

CODES = (
    "non-finite",
    "symmetric-weights",
    "exploding-gradient",
    "vanishing-gradient",
    "exploding-signal",
    "vanishing-signal",
    "dead-units",
    "saturated-units",
    "healthy",
)
"""All verdicts, the gravest first."""


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
        gain: the factor that a hidden layer puts into the gradient's product; NaN for the output.
        signal_gain: the factor by which a hidden layer changes the spread; NaN for the output.
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
        gain: product of the gradient's gains, ||delta_1|| / ||delta_(L+1)||.
        signal_gain: product of the signal's gains, spread(a_L) / spread(x); NaN where all inputs
            are alike.
        verdict: one of ``CODES``.
        why: the number that decided, beside its bound, and the layer where it is one.
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

    def __str__(self) -> str:
        wide = max(9, *(len(layer.name) for layer in self.layers))
        head = f"{'layer':{wide}}   mean  spread   signal gradient dead sat. |dL/dW| verdict"
        rows = [head]
        for s in self.layers:
            mean = f"{s.mean:.{3 if abs(s.mean) < 10 else 2}f}"
            mean = mean if abs(s.mean) < 100 else f"{s.mean:.1e}"
            gains = ("-", "-") if s is self.layers[-1] else (_short(s.signal_gain), _short(s.gain))
            rows.append(
                f"{s.name:{wide}} {mean:>6} {s.spread:7.1e} {gains[0]:>8} {gains[1]:>8} "
                f"{s.dead:4.0%} {s.saturated:4.0%} {s.gradient_norm:7.1e} {s.verdict}"
            )
        signal, gradient = _short(self.signal_gain), _short(self.gain)
        rows.append(f"{'product':{wide}} {'':14} {signal:>8} {gradient:>8}")
        return "\n".join([*rows, *textwrap.wrap(f"{self.verdict}: {self.why}", 80)])


def _short(gain: float) -> str:
    return f"{gain:.3g}"


def measure(net: MLP, x: ArrayLike, y: ArrayLike) -> Report:
    """Run one forward and one backward pass, without dropout, and judge what passed.

    The module's text says what is judged. A network without hidden layers has the products 1.

    Args:
        net: the network; it is not changed.
        x: inputs, shape (n, widths[0]); a few hundred examples are enough.
        y: labels that fit the head.

    Raises:
        ValueError: if the data do not fit the network, or there are no examples.

    Examples:
        >>> rng = np.random.default_rng(0)
        >>> x = rng.standard_normal((100, 8))
        >>> net = MLP([8] + 10 * [32] + [1], activation="sigmoid", rng=0)
        >>> measure(net, x, x[:, 0] > 0).verdict
        'vanishing-gradient'

    Source:
        Glorot and Bengio 2010 (what is measured).
    """
    trace = net.forward(x)
    gradients = net.backward(trace, y)
    depth = net.depth
    signals = [trace.x, *trace.a, net.head.predict(trace.logits)]  # each (n, units)
    spreads = [_spread(signal) for signal in signals]
    sizes = [_norm(delta) for delta in gradients.z]  # of delta_1 to delta_(L+1)
    norms = gradients.norms()
    # The layers' gains telescope; so does this, without the overflow of a long product.
    product = _Product("gradient", _ratio(sizes[0], sizes[depth]) if depth else 1.0)
    signal_product = _Product("signal", _signal(spreads[depth], spreads[0]) if depth else 1.0)

    broken = _not_finite(net, trace, gradients)
    layers: list[LayerSignal] = []
    found: list[tuple[str, str]] = []  # verdict and reason of each layer
    for at in range(depth + 1):
        hidden = at < depth
        gain = _ratio(sizes[at], sizes[at + 1]) if hidden else math.nan
        signal_gain = _ratio(spreads[at + 1], spreads[at]) if hidden else math.nan
        dead, saturated = _shares(net.activation, trace.z[at]) if hidden else (0.0, 0.0)
        name = f"hidden {at + 1}" if hidden else "output"
        layer = LayerSignal(
            layer=at + 1,
            name=name,
            activation=net.activation.name if hidden else net.head.activation,
            shape=(net.widths[at], net.widths[at + 1]),
            mean=_mean(signals[at + 1]),
            spread=spreads[at + 1],
            dead=dead,
            saturated=saturated,
            gradient_norm=norms[at],
            gain=gain,
            signal_gain=signal_gain,
            verdict="healthy",
        )
        why = ""
        if any(where == at for where, _ in broken):
            layer = replace(layer, verdict="non-finite")
        elif hidden:
            verdict, why = _judge_hidden(net, layer, product, signal_product)
            layer = replace(layer, verdict=verdict)
        found.append((layer.verdict, f"{name}: {why}"))
        layers.append(layer)
    if broken:
        where, what = broken[0]
        verdict, why = "non-finite", f"{layers[where].name}: {what}"
    else:
        verdict, why = _judge_network(net, product, signal_product, layers, found)
    return Report(tuple(layers), gradients.loss, product.value, signal_product.value, verdict, why)


def _spread(signal: Array) -> float:
    """Return the standard deviation over the examples, root mean square over the units."""
    wide = signal.astype(np.float64)  # (n, units)
    top = float(np.abs(wide).max())
    if top == 0 or not math.isfinite(top):
        return 0.0 if top == 0 else math.nan
    # Scaled to 1 first, so that the squares of huge signals do not overflow.
    return math.sqrt(float(np.mean(np.var(wide / top, axis=0)))) * top


def _mean(signal: Array) -> float:
    # Divided before they are summed, huge signals do not overflow; +inf and -inf make NaN.
    with np.errstate(invalid="ignore"):
        return float(np.sum(signal.astype(np.float64) / signal.size))


def _ratio(above: float, below: float) -> float:
    """Return above / below, and 0 where nothing is left to pass on."""
    return above / below if below != 0 else 0.0


def _signal(last: float, first: float) -> float:
    """Return last / first, and NaN where all inputs are alike: there is no signal to pass on."""
    return last / first if first != 0 else math.nan


def _shares(activation: Activation, z: Array) -> tuple[float, float]:
    """Return the shares of dead units and of saturated (example, unit) pairs."""
    if not activation.elementwise:
        return 0.0, 0.0
    slope = np.abs(activation.derivative(z))  # (n, fan_out)
    dead = float(np.mean((slope == 0).all(axis=0)))
    if activation.saturates == "no":
        return dead, 0.0
    low = slope < A_TWENTIETH * activation.max_slope  # (n, fan_out)
    if activation.name == "relu":
        # A slope of exactly 0 on the left is how ReLU works; what it costs, the dead tell.
        low &= slope > 0
    return dead, float(np.mean(low))


def _not_finite(net: MLP, trace: Trace, gradients: Gradients) -> list[tuple[int, str]]:
    """Return (layer, what) for all that is not finite, in the order in which it was computed."""
    last = net.depth
    computed: list[tuple[int, str, Array]] = [(0, "inputs", trace.x)]
    for at in range(last + 1):
        computed.append((at, "weights", net.weights[at]))
        computed.append((at, "biases", net.biases[at]))
        computed.append((at, "pre-activations", trace.z[at]))
        if at < last:
            computed.append((at, "activations", trace.a[at]))
    computed.append((last, "losses", np.array([gradients.loss])))
    for at in range(last, -1, -1):
        computed.append((at, "gradients of pre-activations", gradients.z[at]))
        computed.append((at, "gradients of weights", gradients.weights[at]))
        below = gradients.a[at - 1] if at else gradients.x
        computed.append((at, "gradients of its inputs", below))
    found = []
    for at, what, array in computed:
        if bad := int(np.sum(~np.isfinite(array))):
            found.append((at, f"{bad} of {array.size} {what} are not finite, above 0"))
    return found


def _symmetric(net: MLP, at: int) -> bool:
    weight, bias = net.weights[at], net.biases[at]  # (fan_in, fan_out), (fan_out,)
    alike = (weight == weight[:, :1]).all() and (bias == bias[0]).all()
    return bool(weight.shape[1] > 1 and alike)


@dataclass(frozen=True)
class _Product:
    """A product of gains, of the gradient or of the signal, beside its bounds."""

    of: str
    value: float

    @property
    def bounds(self) -> tuple[float, float]:
        return (GRADIENT_BOUNDS if self.of == "gradient" else SIGNAL_BOUNDS)["SGD"]

    @property
    def verdict(self) -> str:
        low, high = self.bounds
        if self.value > high:
            return f"exploding-{self.of}"
        return f"vanishing-{self.of}" if self.value < low else "healthy"

    def of_layer(self, gain: float, depth: int) -> tuple[str, str]:
        """Return verdict and reason of a layer that is out of bounds as the product is."""
        low, high = (bound ** (1 / depth) for bound in self.bounds)
        said = f"the {self.of}'s gain {gain:.3g} is"
        if self.verdict.startswith("exploding") and gain > high:
            return self.verdict, f"{said} above {high:.3g}"
        if self.verdict.startswith("vanishing") and gain < low:
            return self.verdict, f"{said} below {low:.3g}"
        return "healthy", ""

    def __str__(self) -> str:
        if math.isnan(self.value):
            return f"the {self.of}'s product is not defined: all inputs are alike"
        low, high = self.bounds
        said = {
            f"exploding-{self.of}": f"above {high:.3g}",
            f"vanishing-{self.of}": f"below {low:.3g}",
            "healthy": f"between {low:.3g} and {high:.3g}",
        }
        return f"the {self.of}'s product {self.value:.3g} is {said[self.verdict]}"


def _allowed(activation: Activation, depth: int, width: int) -> float:
    """Return the share of dead or saturated units above which a layer is named."""
    working = 0.5 if activation.saturates == "left" else 1.0
    by_product = 1 - working * math.pow(A_TWENTIETH, 2 / depth)
    by_chance = 1 - working + 3 * math.sqrt(working * (1 - working) / width)
    return max(by_product, min(by_chance, EXCUSED))


def _judge_hidden(
    net: MLP, layer: LayerSignal, product: _Product, signal_product: _Product
) -> tuple[str, str]:
    """Return the verdict on one hidden layer, and the measured number beside its bound."""
    width = layer.shape[1]
    if _symmetric(net, layer.layer - 1):
        return "symmetric-weights", f"all {width} units have the same weights and bias"
    for one, gain in [(product, layer.gain), (signal_product, layer.signal_gain)]:
        verdict, why = one.of_layer(gain, net.depth)
        if why:
            return verdict, why
    allowed = _allowed(net.activation, net.depth, width)
    if layer.dead > allowed:
        return "dead-units", f"{layer.dead:.0%} of the units are dead, above {allowed:.0%}"
    if layer.saturated > allowed:
        return "saturated-units", f"{layer.saturated:.0%} are saturated, above {allowed:.0%}"
    return "healthy", ""


def _judge_network(
    net: MLP,
    product: _Product,
    signal_product: _Product,
    layers: list[LayerSignal],
    found: list[tuple[str, str]],
) -> tuple[str, str]:
    """Return the gravest verdict and its reason: the products', or that of the first layer."""
    first = dict(reversed(found))
    if "symmetric-weights" in first:
        return "symmetric-weights", first["symmetric-weights"]
    out = [one for one in (product, signal_product) if one.verdict != "healthy"]
    if out:
        gravest = min(out, key=lambda one: CODES.index(one.verdict))
        vanished = any(one.verdict.startswith("vanishing") for one in out)
        cause = _cause(net, layers[:-1]) if vanished else ""
        return gravest.verdict, "; ".join(map(str, out)) + cause
    for code in ("dead-units", "saturated-units"):
        if code in first:
            return code, first[code]
    return "healthy", f"{product}; {signal_product}"


def _cause(net: MLP, hidden: list[LayerSignal]) -> str:
    """Name the first layer whose dead or saturated units explain a small product, if there is."""
    for layer in hidden:
        allowed = _allowed(net.activation, net.depth, layer.shape[1])
        for share, what in [(layer.dead, "dead"), (layer.saturated, "saturated")]:
            if share > allowed:
                return f"; {layer.name}: {share:.0%} {what}, above {allowed:.0%}"
    return ""


def through_depth(
    activation: str | Activation,
    initializer: str | Callable[..., Array] | None = None,
    depth: int = 10,
    width: int = 64,
    n: int = 256,
    rng: np.random.Generator | int = 0,
) -> Report:
    """Measure a fresh binary network of equal layers on standard normal inputs.

    Args:
        activation: the hidden layers' activation, by name or as an ``Activation``.
        initializer: by name or as ``f(shape, rng)``; without one, the activation's pairing.
        depth: number of hidden layers.
        width: units of each, and number of inputs.
        n: examples.
        rng: generator or seed for data and weights.

    Raises:
        ValueError: if a name is unknown, ``depth`` is below 0, or ``width`` or ``n`` below 1.

    Examples:
        >>> through_depth("relu").verdict
        'healthy'
    """
    counted(depth, "depth", least=0)
    counted(width, "width")
    counted(n, "n")
    random = generator(rng)
    x = random.standard_normal((n, width))  # (n, width)
    y = random.integers(0, 2, n)  # (n,)
    net = MLP([width] + depth * [width] + [1], activation, initializer, rng=random)
    return measure(net, x, y)
