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
gain^2| > 6: the product of gains lies outside [e^-3, e^3], from a twentieth to twenty. Shared out
evenly, a layer's gain must lie within [e^(-3/L), e^(3/L)]: the deeper the network, the narrower.

A single layer outside its share is named only where the whole product is out of bounds; a low gain
that the other layers make up for is no fault.

**Dead and saturated units** are charged from the same account. A unit is dead when its slope is 0
on every example. It is saturated on one example when its slope there is below e^-3 times the
activation's largest slope: it alone would use up the whole network's account. Let u be the share
of units that work where all is well: all (u = 1) where the activation saturates on both sides;
half (u = 1/2) where it falls silent on the left only, since random weights put half of the units
there and He's factor 2 has paid for it. A share s of lost units leaves gain^2 at most the factor
(1 - s) / u of what was paid for; the layer is charged when that is below its share,

    (1 - s) / u < e^(-6/L).

In a deep ReLU network all examples come to look alike, so that a unit silent on one is silent on
all: up to half of the units are then dead at no cost. Which half is chance, like the heads among N
coins, so a share is charged only if it also exceeds 1 - u by 3 sqrt(u (1 - u) / N), three standard
deviations for a layer of N units. Chance excuses 99 % at most: a layer that is lost altogether
passes nothing on, however it came about.

**Symmetric weights**: all units of a hidden layer have the same weights and bias, so they are
copies of one unit. The output layer is not judged, since the labels tell its units apart.

The first layer's weight gradient being much smaller than the last one's is *not* the criterion. In
a badly scaled ReLU network the signal shrinks on the way forward and the gradient on the way back,
so that the first layer's is hardly smaller, if at all, while the product of gains goes to zero.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from livegrad._checks import generator
from livegrad.activations import Activation
from livegrad.network import MLP, Gradients, Trace, _norm

if TYPE_CHECKING:
    from livegrad.figures import Figure

__all__ = ["CODES", "DEPTH_SCALES", "LayerSignal", "Report", "measure", "through_depth"]

Array = NDArray[Any]

DEPTH_SCALES = 6.0
"""To how many depth scales networks were seen to train (Schoenholz et al. 2017)."""
# The bounds of the product of gains: e^-3 and e^3, since chi is the square of the gain.
SMALLEST = math.exp(-DEPTH_SCALES / 2)
LARGEST = math.exp(DEPTH_SCALES / 2)
# The largest share of lost units that chance excuses, in however narrow a layer.
EXCUSED = 0.99

CODES = (
    "non-finite",
    "symmetric-weights",
    "exploding-gradient",
    "vanishing-gradient",
    "dead-units",
    "saturated-units",
    "healthy",
)
"""All verdicts, the gravest first."""
# The verdicts that the network's product decides.
_OF_THE_PRODUCT = ("exploding-gradient", "vanishing-gradient", "healthy")


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
        why: the number that decided, beside its threshold, and the layer where it is one.
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
        wide = max(9, *(len(layer.name) for layer in self.layers))
        rows = [f"{'layer':{wide}}   mean    spread   dead   sat.  |dL/dW|    gain   verdict"]
        for s in self.layers:
            mean = f"{s.mean:.3f}" if abs(s.mean) < 100 else f"{s.mean:.1e}"
            rows.append(
                f"{s.name:{wide}} {mean:>7} {s.spread:9.2e} {s.dead:6.0%} {s.saturated:6.0%} "
                f"{s.gradient_norm:8.1e} {s.gain:7.3g}   {s.verdict}"
            )
        reason = _against_bounds(self.gain) if self.verdict in _OF_THE_PRODUCT else self.why
        line = f"product of gains {self.gain:.3g}: {self.verdict}, {reason}"
        return "\n".join([*rows, *textwrap.wrap(line, 80)])


def measure(net: MLP, x: ArrayLike, y: ArrayLike) -> Report:
    """Run one forward and one backward pass, without dropout, and judge what passed.

    The module's text derives the thresholds. A network without hidden layers has the product 1.

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
        Glorot and Bengio 2010 (what is measured); Schoenholz et al. 2017 (the threshold).
    """
    trace = net.forward(x)
    gradients = net.backward(trace, y)
    depth = net.depth
    signals = [trace.x, *trace.a, net.head.predict(trace.logits)]  # each (n, units)
    upstream = [gradients.x, *gradients.a, gradients.z[-1]]  # each (n, units)
    spreads = [_spread(signal) for signal in signals]
    sizes = [_norm(gradient) for gradient in upstream]
    norms = gradients.norms()
    # The layers' gains telescope; so does this, without the overflow of a long product.
    product = _ratio(sizes[0], sizes[depth]) if depth else 1.0
    signal_product = _ratio(spreads[depth], spreads[0]) if depth else 1.0

    broken = _not_finite(net, trace, gradients)
    layers: list[LayerSignal] = []
    charges: list[tuple[str, str]] = []  # verdict and reason of each layer
    for at in range(depth + 1):
        hidden = at < depth
        gain = _ratio(sizes[at], sizes[at + 1])
        dead, saturated = _shares(net.activation, trace.z[at]) if hidden else (0.0, 0.0)
        if any(where == at for where, _ in broken):
            verdict, why = "non-finite", ""
        elif hidden:
            verdict, why = _judge_hidden(net, at, gain, product, dead, saturated)
        else:
            verdict, why = "healthy", ""
        name = f"hidden {at + 1}" if hidden else "output"
        charges.append((verdict, f"{name}: {why}"))
        layers.append(
            LayerSignal(
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
                signal_gain=_ratio(spreads[at + 1], spreads[at]),
                verdict=verdict,
            )
        )
    if broken:
        where, what = broken[0]
        verdict, why = "non-finite", f"{layers[where].name}: {what}"
    else:
        verdict, why = _judge_network(net, product, layers, charges)
    return Report(tuple(layers), gradients.loss, product, signal_product, verdict, why)


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


def _shares(activation: Activation, z: Array) -> tuple[float, float]:
    """Return the shares of dead units and of saturated (example, unit) pairs."""
    if not activation.elementwise:
        return 0.0, 0.0
    slope = np.abs(activation.derivative(z))  # (n, fan_out)
    dead = float(np.mean((slope == 0).all(axis=0)))
    if activation.saturates == "no":
        return dead, 0.0
    low = slope < SMALLEST * activation.max_slope  # (n, fan_out)
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


def _allowed(activation: Activation, depth: int, width: int) -> float:
    """Return the share of dead or saturated units above which a layer is charged."""
    working = 0.5 if activation.saturates == "left" else 1.0
    by_account = 1 - working * math.exp(-DEPTH_SCALES / depth)
    by_chance = 1 - working + 3 * math.sqrt(working * (1 - working) / width)
    return max(by_account, min(by_chance, EXCUSED))


def _judge_hidden(
    net: MLP, at: int, gain: float, product: float, dead: float, saturated: float
) -> tuple[str, str]:
    """Return the verdict on one hidden layer, and the measured number beside its threshold."""
    width = net.widths[at + 1]
    if _symmetric(net, at):
        return "symmetric-weights", f"all {width} units have the same weights and bias"
    low, high = SMALLEST ** (1 / net.depth), LARGEST ** (1 / net.depth)
    if product > LARGEST and gain > high:
        return "exploding-gradient", f"gain {gain:.3g} is above {high:.3g}"
    if product < SMALLEST and gain < low:
        return "vanishing-gradient", f"gain {gain:.3g} is below {low:.3g}"
    allowed = _allowed(net.activation, net.depth, width)
    if dead > allowed:
        return "dead-units", f"{dead:.0%} of the units are dead, above {allowed:.0%}"
    if saturated > allowed:
        return "saturated-units", f"{saturated:.0%} are saturated, above {allowed:.0%}"
    return "healthy", ""


def _against_bounds(product: float) -> str:
    if product > LARGEST:
        return f"above e^3 = {LARGEST:.1f}"
    if product < SMALLEST:
        return f"below e^-3 = {SMALLEST:.3f}"
    return f"between e^-3 = {SMALLEST:.3f} and e^3 = {LARGEST:.1f}"


def _judge_network(
    net: MLP, product: float, layers: list[LayerSignal], charges: list[tuple[str, str]]
) -> tuple[str, str]:
    """Return the gravest verdict and its reason: the product's, or that of the first layer."""
    first = dict(reversed(charges))
    measured = f"product of gains {product:.3g} is {_against_bounds(product)}"
    if "symmetric-weights" in first:
        return "symmetric-weights", first["symmetric-weights"]
    if product > LARGEST:
        return "exploding-gradient", measured
    if product < SMALLEST:
        return "vanishing-gradient", measured + _cause(net, layers[:-1])
    for code in ("dead-units", "saturated-units"):
        if code in first:
            return code, first[code]
    return "healthy", measured


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
    for name, value, least in [("depth", depth, 0), ("width", width, 1), ("n", n, 1)]:
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, got {value!r}")
    random = generator(rng)
    x = random.standard_normal((n, width))  # (n, width)
    y = random.integers(0, 2, n)  # (n,)
    net = MLP([width] + depth * [width] + [1], activation, initializer, rng=random)
    return measure(net, x, y)
