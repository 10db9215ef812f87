"""What an examination says: findings, each with its measured evidence, and what was not judged."""

from __future__ import annotations

import json
import math
import textwrap
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livegrad.doctor._trial import STEPS

if TYPE_CHECKING:
    from livegrad.figures import Figure

__all__ = ["CODES", "PAGES", "WHAT", "Examination", "Finding", "LayerGain", "schema"]

# What ``to_dict`` gives has this version as long as no name of it changes or goes.
_VERSION = 1
# So many faults are named in one sentence.
_NAMED = 3
NOWHERE = f"how it learns: {STEPS} steps, however long, lead nowhere"
"""What is noted of a model that does not learn, and in which no fault was found."""

# The gravest first: what stands above may be the cause of what stands below. Each code with its
# lesson, as a path under ``docs`` without its ending, and what was measured.
_CODES = {
    "index-range": ("doctor/codes", "an embedding is asked for rows that it does not have"),
    "non-finite": (
        "gradients/exploding",
        "a weight, a signal, the loss or a gradient is infinite or NaN; the layer that was first",
    ),
    "precision": ("inputs/precision", "half precision rounds gradients or steps to 0 or beyond"),
    "label-mismatch": (
        "outputs/index",
        "shape or range of the labels is not what the loss takes",
    ),
    "loss-sign": ("doctor/codes", "right answers cost more than wrong ones"),
    "output-loss-mismatch": (
        "outputs/index",
        "the output's activation or units do not fit the loss or the labels",
    ),
    "stacked-activations": ("outputs/index", "two activations in a row make the output"),
    "wrong-axis": (
        "outputs/multiclass",
        "a softmax or a loss over another axis than the classes, or a layer over the examples",
    ),
    "frozen": (
        "gradients/diagnose",
        "no weight can move, a layer is frozen as chance made it, or the optimizer or the model "
        "has not got it",
    ),
    "cut-gradient": ("gradients/chain-rule", "the gradient ends before it reaches all weights"),
    "symmetric-weights": (
        "initializers/symmetry-and-scale",
        "the units of a hidden layer are equal and get equal gradients",
    ),
    "identical-kernels": (
        "initializers/symmetry-and-scale",
        "two layers start with the very same kernel",
    ),
    "constant-input": (
        "inputs/features",
        "all examples have the same inputs, or a layer makes them the same",
    ),
    "unscaled-input": ("inputs/scale", "the inputs' size is far from 1"),
    "unscaled-target": ("outputs/regression", "the targets' size is far from the outputs'"),
    "normalization": (
        "shortcuts/batch-norm",
        "a normalisation of one number, of the answers, or with averages that are behind",
    ),
    "strong-penalty": ("step/decay", "a penalty costs more than all that weights can earn"),
    "softmax-hidden": ("outputs/multiclass", "a softmax feeds another layer"),
    "no-nonlinearity": (
        "activations/index",
        "two linear layers in a row, and the first is no bottleneck",
    ),
    "attention": ("shortcuts/attention", "most queries look at one key, and the softmax is flat"),
    "dead-units": ("activations/relu", "too many units are silent on all examples"),
    "saturated-units": ("activations/sigmoid-tanh", "too many slopes are nearly 0"),
    "initializer-mismatch": (
        "initializers/pairing",
        "a product is out of bounds, and the initializer that pairs brings it back",
    ),
    "exploding-gradient": (
        "gradients/exploding",
        "the product of the gradient's gains is too large",
    ),
    "vanishing-gradient": (
        "gradients/vanishing",
        "the product of the gradient's gains is too small",
    ),
    "exploding-signal": ("gradients/measure", "the product of the signal's gains is too large"),
    "vanishing-signal": ("gradients/measure", "the product of the signal's gains is too small"),
    "ignored-mask": (
        "gradients/recurrent",
        "a recurrent layer reads padding, and forgets what it read",
    ),
    "learning-rate": (
        "step/find-rate",
        "steps make the loss explode, lead nowhere, or are too short",
    ),
    "batch-size": ("step/batch", "batches so large that there are too few steps"),
    "dropout-rate": (
        "dropout/placement",
        "the masks' noise buries the signal, or a mask hits the output",
    ),
    "unrelated-labels": ("inputs/labels", "no cheap learner tells the labels from the inputs"),
    "class-imbalance": (
        "inputs/first-loss",
        "nearly all labels are one class, or the classes' weights are turned round",
    ),
    "metric-mismatch": (
        "outputs/index",
        "the metric does not fit the task: training is fine, the number shown is not",
    ),
}

PAGES = {code: page for code, (page, _) in _CODES.items()}
"""The lesson of each code, as a path under ``docs`` without its ending."""

WHAT = {code: what for code, (_, what) in _CODES.items()}
"""What was measured where a code is found."""

CODES = tuple(PAGES)
"""All codes, the gravest first."""


# What the judge and the trials go by, and no reader.
_INNER = ("stops", "advised")


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
        advised: the number that the fix sets; NaN where it sets none.
    """

    code: str
    layer: str
    evidence: str
    why: str
    fix: str
    stops: bool = False
    advised: float = math.nan

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
    """What was found in a model; prints as a report, and shows itself in a notebook.

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
        """Whether nothing was found, and no trial says that the model learns nothing."""
        return not self.findings and NOWHERE not in self.unjudged

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the findings, in their order."""
        return tuple(finding.code for finding in self.findings)

    @property
    def conclusion(self) -> str:
        """All of it in one sentence.

        Examples:
            >>> dead = Finding("dead-units", "hidden_1", "", "", "")
            >>> Examination((dead,), (), (), 1.0, 1.0, 0.7).conclusion
            'Training is held back by 1 fault: dead-units at hidden_1.'
            >>> Examination((), ("the learning rate",), (), 1.0, 1.0, 0.7).conclusion
            'healthy: nothing found that holds training back; 1 thing was not judged.'
            >>> Examination((), (NOWHERE,), (), 1.0, 1.0, 0.7).conclusion
            'It does not learn, and no fault was found: 30 steps, however long, lead nowhere.'
        """
        if not self.findings and not self.healthy:
            return f"It does not learn, and no fault was found: {NOWHERE.partition(': ')[2]}."
        if self.healthy:
            count = len(self.unjudged)
            left = f"; {count} thing{'s were' if count > 1 else ' was'} not judged" if count else ""
            return f"healthy: nothing found that holds training back{left}."
        # A metric that misleads is no fault of the training.
        shown = [found for found in self.findings if found.code == "metric-mismatch"]
        faults = [found for found in self.findings if found not in shown]
        if not faults:
            return f"Training is not held back, but the number shown misleads: {_listed(shown)}."
        count = len(faults)
        said = (
            f"Training is held back by {count} fault{'s' if count > 1 else ''}: {_listed(faults)}"
        )
        return f"{said}; the number shown misleads too: {_listed(shown)}." if shown else f"{said}."

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain data that JSON can hold; what is not finite becomes text.

        ``schema`` says what is in it. A later version adds names, and with another number in
        "version" changes them.
        """

        def plain(value: float) -> float | str:
            return value if abs(value) < float("inf") else str(value)

        return {
            "version": _VERSION,
            "healthy": self.healthy,
            "conclusion": self.conclusion,
            "findings": [
                {name: value for name, value in asdict(found).items() if name not in _INNER}
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

    def plot(self) -> Figure:
        """Draw how signal and gradient fare, layer by layer, with the layers at fault marked.

        Needs Matplotlib.

        Raises:
            ValueError: if no hidden layer has gains.
        """
        if not self.layers:
            raise ValueError("the examination must have hidden layers to plot, got none")
        from livegrad.figures import products

        marked: dict[str, list[str]] = {}
        for found in self.findings:
            marked.setdefault(found.layer, []).append(found.code)
        return products(
            [layer.layer for layer in self.layers],
            [layer.gain for layer in self.layers],
            [layer.signal_gain for layer in self.layers],
            {
                name: codes[0] + (f" +{len(codes) - 1}" if codes[1:] else "")
                for name, codes in marked.items()
            },
        )

    def to_html(self, site: str = "") -> str:
        """Return a page that needs nothing else: no network, no script, light and dark.

        Args:
            site: address of the lessons, to which each finding's page is then a link.
        """
        from livegrad.doctor._page import page

        return page(self, site)

    def save(self, path: str | Path) -> None:
        """Write it to a file: a page as .html, plain data as .json, the text as .txt or .md.

        Raises:
            ValueError: if the name ends otherwise.
        """
        path = Path(path)
        ending = path.suffix.lower()
        if ending in (".html", ".htm"):
            text = self.to_html()
        elif ending == ".json":
            text = json.dumps(self.to_dict(), indent=2) + "\n"
        elif ending in (".txt", ".md"):
            text = f"{self}\n"
        else:
            raise ValueError(f"path must end in .html, .json, .txt or .md, got {str(path)!r}")
        path.write_bytes(text.encode())

    def _repr_html_(self) -> str:
        from livegrad.doctor._page import fragment

        return fragment(self)

    def __str__(self) -> str:
        parts = [self.conclusion, *map(str, self.findings)]
        parts += [f"not judged: {what}" for what in self.unjudged]
        return "\n".join(parts)


def _listed(findings: list[Finding]) -> str:
    """Return the findings in a few words, the gravest first."""
    named = [f"{found.code} at {found.layer}" for found in findings]
    if len(named) > _NAMED + 1:
        named[_NAMED:] = [f"{len(named) - _NAMED} more"]
    return " and ".join([", ".join(named[:-1]), named[-1]]) if named[1:] else named[0]


def schema() -> dict[str, Any]:
    """Return the JSON Schema of what ``Examination.to_dict`` gives.

    Examples:
        >>> schema()["properties"]["version"]
        {'const': 1}
    """
    text = resources.files("livegrad.doctor").joinpath("schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
