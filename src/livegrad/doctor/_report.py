"""What an examination says: findings, each with its measured evidence, and what was not judged."""

from __future__ import annotations

import textwrap
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["CODES", "PAGES", "Examination", "Finding", "LayerGain"]

# The gravest first: what stands above may be the cause of what stands below.
PAGES = {
    "non-finite": "gradients/exploding",
    "label-mismatch": "outputs/index",
    "output-loss-mismatch": "outputs/index",
    "frozen": "gradients/diagnose",
    "symmetric-weights": "initializers/symmetry-and-scale",
    "identical-kernels": "initializers/symmetry-and-scale",
    "unscaled-input": "initializers/fans",
    "softmax-hidden": "outputs/multiclass",
    "no-nonlinearity": "activations/index",
    "dead-units": "activations/relu",
    "saturated-units": "activations/sigmoid-tanh",
    "initializer-mismatch": "initializers/pairing",
    "exploding-gradient": "gradients/exploding",
    "vanishing-gradient": "gradients/vanishing",
    "exploding-signal": "gradients/measure",
    "vanishing-signal": "gradients/measure",
    "learning-rate": "gradients/diagnose",
    "dropout-rate": "dropout/placement",
    "metric-mismatch": "outputs/index",
}
"""The lesson of each code, as a path under ``docs`` without its ending."""

CODES = tuple(PAGES)
"""All codes, the gravest first."""


@dataclass(frozen=True)
class Finding:
    """One thing that holds training back.

    Attributes:
        code: one of ``CODES``.
        layer: the layer's name, or "data", "loss", "optimizer" or "model".
        evidence: the measured number beside its threshold.
        why: what it does to training.
        fix: one line of code, in the framework's own words.
        page: the lesson, as a path of the site.
        stops: whether no loss can be taken before it is mended.
    """

    code: str
    layer: str
    evidence: str
    why: str
    fix: str
    stops: bool = False

    @property
    def page(self) -> str:
        """The lesson, as a path of the site."""
        return PAGES[self.code]

    def __str__(self) -> str:
        lines = [f"{self.code} at {self.layer}"]
        lines += textwrap.wrap(self.evidence, 88, initial_indent="  ", subsequent_indent="  ")
        lines += textwrap.wrap(self.why, 88, initial_indent="  ", subsequent_indent="  ")
        return "\n".join([*lines, f"  fix:  {self.fix}", f"  page: {self.page}"])


@dataclass(frozen=True)
class LayerGain:
    """A hidden layer of the longest path, with its activation and normalisation.

    Attributes:
        layer: the name of the layer that has the weights.
        activation: the last non-linearity before the next weights.
        gain: the factor that it puts into the gradient's product, |delta_l| / |delta_(l+1)|.
        signal_gain: the factor by which it changes the spread.
    """

    layer: str
    activation: str
    gain: float
    signal_gain: float


@dataclass(frozen=True)
class Examination:
    """What was found in a model; prints as a report.

    Attributes:
        findings: the gravest first.
        unjudged: what could not be judged, each with its reason.
        layers: the gains of the hidden layers.
        gain: product of the gradient's gains.
        signal_gain: product of the signal's gains.
        loss: the loss on the sample.
    """

    findings: tuple[Finding, ...]
    unjudged: tuple[str, ...]
    layers: tuple[LayerGain, ...]
    gain: float
    signal_gain: float
    loss: float

    @property
    def healthy(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the findings, in their order."""
        return tuple(finding.code for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data that JSON can hold; what is not finite becomes text."""

        def plain(value: float) -> float | str:
            return value if abs(value) < float("inf") else str(value)

        return {
            "healthy": self.healthy,
            "findings": [
                {name: value for name, value in asdict(found).items() if name != "stops"}
                | {"page": found.page}
                for found in self.findings
            ],
            "unjudged": list(self.unjudged),
            "layers": [
                asdict(layer) | {"gain": plain(layer.gain), "signal_gain": plain(layer.signal_gain)}
                for layer in self.layers
            ],
            "gain": plain(self.gain),
            "signal_gain": plain(self.signal_gain),
            "loss": plain(self.loss),
        }

    def __str__(self) -> str:
        if self.healthy:
            parts = ["healthy: nothing found that holds training back"]
        else:
            count = len(self.findings)
            parts = [f"{count} finding{'s' if count > 1 else ''}", *map(str, self.findings)]
        parts += [f"not judged: {what}" for what in self.unjudged]
        return "\n".join(parts)
