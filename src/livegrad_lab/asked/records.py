"""The claims that the panels are asked: what is said, by whom, and what is compared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

from livegrad_lab import panel, practices
from livegrad_lab.verdicts import ALIKE, BETTER, COMPARISONS, Comparison

__all__ = ["ASKED", "PRACTICES", "Asked", "find"]

PRACTICES: Mapping[str, tuple[Comparison, ...]] = {
    "batch-norm-frees-weights": (
        Comparison(
            "batch norm, a tenth of He's is alike",
            "batch norm, a tenth",
            "equal",
            "batch norm",
            ALIKE,
        ),
        Comparison(
            "batch norm, ten times He's is alike",
            "batch norm, ten times",
            "equal",
            "batch norm",
            ALIKE,
        ),
    ),
    "residual-frees-weights": (
        Comparison(
            "shortcuts, a tenth of He's is alike", "residual, a tenth", "equal", "residual", ALIKE
        ),
        Comparison(
            "shortcuts, three times He's is alike",
            "residual, three times",
            "equal",
            "residual",
            ALIKE,
        ),
    ),
    "blocks-start-at-zero": (
        Comparison("in blocks zeros beat He's", "residual, zero", "above", "residual", BETTER),
        Comparison(
            "in blocks zeros beat a tenth of He's",
            "residual, zero",
            "above",
            "residual, a tenth",
            BETTER,
        ),
    ),
    "batch-norm-ends-covariate-shift": (
        Comparison(
            "batch norm beats a noisy one",
            "batch norm",
            "above",
            "batch norm, noise",
            BETTER,
        ),
        Comparison("batch norm beats none", "batch norm", "above", "plain", BETTER),
    ),
    "dropout-and-batch-norm-harm": (
        Comparison(
            "batch norm beats both",
            "batch norm",
            "above",
            "batch norm, dropout 0.2",
            BETTER,
        ),
        Comparison(
            "dropout beats both",
            "dropout 0.2",
            "above",
            "batch norm, dropout 0.2",
            BETTER,
        ),
    ),
    "post-norm-needs-warm-up": (
        Comparison(
            "post-norm gains by warm-up", "post-norm, warm-up", "above", "post-norm", BETTER
        ),
        Comparison(
            "pre-norm is no worse without warm-up", "pre-norm", "above", "pre-norm, warm-up", -ALIKE
        ),
        Comparison(
            "attention, post-norm gains by warm-up",
            "attention, post-norm, warm-up",
            "above",
            "attention, post-norm",
            BETTER,
        ),
        Comparison(
            "attention, pre-norm is no worse without warm-up",
            "attention, pre-norm",
            "above",
            "attention, pre-norm, warm-up",
            -ALIKE,
        ),
    ),
    "adam-frees-weights": (
        Comparison("plain, a tenth of He's is alike", "a tenth", "equal", "plain", ALIKE),
        Comparison("plain, three times He's is alike", "three times", "equal", "plain", ALIKE),
    ),
    "warm-up-helps": (
        Comparison("plain networks gain by warm-up", "warm-up", "above", "plain", BETTER),
        Comparison("pre-norm gains by warm-up", "pre-norm, warm-up", "above", "pre-norm", BETTER),
    ),
    "large-batch-large-rate": (
        Comparison(
            "a large batch gains by a rate of its own",
            "large batch",
            "above",
            "large batch",
            BETTER,
            rate_of="plain",
        ),
    ),
    "decay-is-l2": (Comparison("weight decay and L2 are alike", "decay", "equal", "L2", ALIKE),),
    "clipping-cures-explosion": (
        Comparison(
            "large weights gain by clipping",
            "three times, clipped",
            "above",
            "three times",
            BETTER,
        ),
        Comparison(
            "large weights, clipped, are no worse than sound ones",
            "three times, clipped",
            "above",
            "plain",
            -ALIKE,
        ),
    ),
    "attention-needs-clipping": (
        Comparison(
            "attention, pre-norm gains by clipping",
            "attention, pre-norm, clipped",
            "above",
            "attention, pre-norm",
            BETTER,
        ),
        Comparison(
            "attention, post-norm gains by clipping",
            "attention, post-norm, clipped",
            "above",
            "attention, post-norm",
            BETTER,
        ),
    ),
    "float16-needs-scaling": (
        Comparison("float16 gains by scaling", "float16, scaled", "above", "float16", BETTER),
        Comparison(
            "float16, scaled, is no worse than all digits",
            "float16, scaled",
            "above",
            "plain",
            -ALIKE,
        ),
        Comparison("bfloat16 is no worse than all digits", "bfloat16", "above", "plain", -ALIKE),
    ),
    "half-is-the-rate": (
        Comparison("dropout 0.5 is no worse than none", "dropout 0.5", "above", "plain", -BETTER),
        Comparison(
            "dropout 0.5 is no worse than 0.2", "dropout 0.5", "above", "dropout 0.2", -BETTER
        ),
    ),
    "dropout-always-helps": (
        Comparison("dropout 0.2 beats none", "dropout 0.2", "above", "plain", BETTER),
    ),
    "smoothing-calibrates": (
        Comparison(
            "smoothing narrows the gap",
            "plain",
            "above",
            "smoothed",
            BETTER,
            quantity="calibration gap",
        ),
    ),
}
"""What is compared for each claim on ``practices``."""


def _weights(*statements: str) -> tuple[Comparison, ...]:
    return tuple(one for one in COMPARISONS if one.statement in statements)


@dataclass(frozen=True)
class Asked:
    """A claim that a panel is asked.

    Attributes:
        code: its name in addresses.
        topic: the page that has it.
        statement: what is said.
        source: who says so, or who examined it; several are parted by a semicolon.
        comparisons: what is compared in each setting.
        of: the panel.
    """

    code: str
    topic: str
    statement: str
    source: str
    comparisons: tuple[Comparison, ...]
    of: ModuleType = practices


def _asked(code: str, topic: str, statement: str, source: str) -> Asked:
    return Asked(code, topic, statement, source, PRACTICES[code])


ASKED: Mapping[str, Asked] = {
    one.code: one
    for one in (
        Asked(
            "leaky-or-elu-beats-relu",
            "activations",
            "Leaky ReLU and ELU beat ReLU.",
            "S9; Maas et al. 2013; Clevert et al. 2016",
            _weights("leaky ReLU beats ReLU", "ELU beats ReLU"),
            panel,
        ),
        Asked(
            "softplus-is-as-good",
            "activations",
            "Softplus is as good as ReLU.",
            "S7; Glorot et al. 2011",
            _weights("softplus is no worse than ReLU"),
            panel,
        ),
        Asked(
            "silu-or-gelu-beats-relu",
            "activations",
            "SiLU and GELU beat ReLU.",
            "Hendrycks and Gimpel 2016; Ramachandran et al. 2017",
            _weights("SiLU beats ReLU", "GELU beats ReLU"),
            panel,
        ),
        Asked(
            "relu-beats-tanh-and-sigmoid",
            "activations",
            "ReLU beats tanh and the sigmoid.",
            "Glorot et al. 2011",
            _weights("ReLU beats tanh", "ReLU beats the sigmoid"),
            panel,
        ),
        Asked(
            "he-for-relu-matters",
            "initializers",
            "With ReLU, He's initializer matters.",
            "S5; He et al. 2015",
            _weights("He's weights beat Glorot's with ReLU"),
            panel,
        ),
        Asked(
            "glorot-for-sigmoid-matters",
            "initializers",
            "With the sigmoid, Glorot's initializer matters.",
            "S5; Glorot and Bengio 2010",
            _weights("Glorot's weights beat He's with the sigmoid"),
            panel,
        ),
        Asked(
            "small-weights-are-safe",
            "initializers",
            "Small first weights are safe.",
            "S16",
            _weights("small weights are no worse"),
            panel,
        ),
        Asked(
            "uniform-or-normal-is-alike",
            "initializers",
            "Uniform or normal weights make no difference.",
            "S5; S16",
            _weights("uniform and normal weights are alike"),
            panel,
        ),
        Asked(
            "fan-in-rule-is-enough",
            "initializers",
            "U[-1/sqrt(fan_in), 1/sqrt(fan_in)] is enough for a deep network.",
            "S16; Glorot and Bengio 2010",
            _weights(
                "the rule of fan-in is no worse, ReLU", "the rule of fan-in is no worse, tanh"
            ),
            panel,
        ),
        _asked(
            "batch-norm-frees-weights",
            "shortcuts",
            "Batch normalisation makes the initialisation irrelevant.",
            "Ioffe and Szegedy 2015",
        ),
        _asked(
            "batch-norm-ends-covariate-shift",
            "shortcuts",
            "Batch normalisation works because it reduces covariate shift.",
            "Ioffe and Szegedy 2015; Santurkar et al. 2018",
        ),
        _asked(
            "residual-frees-weights",
            "shortcuts",
            "Residual connections make the initialisation irrelevant.",
            "He et al. 2016",
        ),
        _asked(
            "blocks-start-at-zero",
            "shortcuts",
            "Residual blocks start best at zero.",
            "Goyal et al. 2017; Zhang et al. 2019",
        ),
        _asked(
            "post-norm-needs-warm-up",
            "shortcuts",
            "Post-norm needs warm-up, pre-norm does not.",
            "Xiong et al. 2020",
        ),
        _asked(
            "adam-frees-weights",
            "step",
            "Adam makes the first weights irrelevant.",
            "Kingma and Ba 2015",
        ),
        _asked("warm-up-helps", "step", "Warm-up helps.", "Goyal et al. 2017"),
        _asked(
            "large-batch-large-rate",
            "step",
            "A larger batch needs a larger rate.",
            "Goyal et al. 2017",
        ),
        _asked(
            "decay-is-l2",
            "step",
            "Weight decay is the same as an L2 penalty.",
            "Loshchilov and Hutter 2019",
        ),
        _asked(
            "clipping-cures-explosion",
            "clipping",
            "Clipping the gradient's norm cures exploding gradients.",
            "Pascanu et al. 2013",
        ),
        _asked(
            "attention-needs-clipping",
            "clipping",
            "Transformers need gradient clipping.",
            "Zhang et al. 2020",
        ),
        _asked(
            "float16-needs-scaling",
            "clipping",
            "Training in float16 needs loss scaling, in bfloat16 it does not.",
            "Micikevicius et al. 2018",
        ),
        _asked(
            "half-is-the-rate",
            "dropout",
            "0.5 is the right dropout rate.",
            "Srivastava et al. 2014",
        ),
        _asked("dropout-always-helps", "dropout", "Dropout helps.", "S3; Srivastava et al. 2014"),
        _asked(
            "dropout-and-batch-norm-harm",
            "dropout",
            "Dropout and batch normalisation harm each other.",
            "Li et al. 2019",
        ),
        _asked(
            "smoothing-calibrates",
            "outputs",
            "Label smoothing calibrates.",
            "Müller et al. 2019",
        ),
    )
}
"""All claims on trained networks that have a section of their own, by code."""


def find(code: str) -> Asked:
    """Return the claim of this code.

    Raises:
        ValueError: if there is none; the message lists the codes.
    """
    if code not in ASKED:
        raise ValueError(f"code must be one of {', '.join(ASKED)}, got {code!r}")
    return ASKED[code]
