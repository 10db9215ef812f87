"""Results of the papers on normalisation, shortcuts, the step and precision."""

from __future__ import annotations

import math

import numpy as np

from livegrad_lab.papers import counts, norms, paths, steps
from livegrad_lab.reproduction import Reproduction

__all__ = ["LATER"]

FIVE = tuple(range(5))
TEN = tuple(range(10))
OLDER_TOKENS = 40_478
"""The vocabulary of the GPT before GPT-2."""


def _residual(layers: int, printed: float) -> Reproduction:
    return Reproduction(
        f"resnet-{layers}",
        "he-2016",
        "table 6",
        f"millions of parameters, residual network of {layers} layers for CIFAR-10",
        printed,
        "parameters",
        "reproduced",
        lambda: counts.total(counts.residual_network(layers)) / 1e6,
        tolerance=0.05 if layers > 100 else 0.005,  # half of the last printed digit
        checked="the table, as the readme of an implementation repeats it",
    )


def _apart(
    key: str, what: str, printed: tuple[int, int], changed: tuple[dict[str, int], dict[str, int]]
) -> Reproduction:
    def run() -> float:
        more, fewer = (counts.total(counts.transformer(**one)) for one in changed)
        return (more - fewer) / 1e6

    return Reproduction(
        key,
        "vaswani-2017",
        "table 3",
        f"millions of parameters between {what}, {printed[0]} - {printed[1]}",
        float(printed[0] - printed[1]),
        "parameters",
        "reproduced",
        run,
        tolerance=1.0,  # both were rounded, by up to half a million each
        checked="the paper's text, as public conversions of it have it",
    )


def _gpt(layers: int, units: int, printed: int, corrected: int) -> tuple[Reproduction, ...]:
    def record(key: str, where: str, tokens: int, theirs: int) -> Reproduction:
        return Reproduction(
            f"{key}-{layers}",
            "radford-2019",
            where,
            f"millions of parameters, {layers} layers of {units}, {tokens} tokens",
            float(theirs),
            "parameters",
            "reproduced",
            lambda: counts.total(counts.gpt(layers, units, tokens)) / 1e6,
            tolerance=0.5,
            checked="quotations of the table and of the readme that corrects it",
        )

    return (
        record("gpt-corrected", "the readme of its code", 50_257, corrected),
        record("gpt-printed", "table 2", OLDER_TOKENS, printed),
    )


LATER: tuple[Reproduction, ...] = (
    _residual(20, 0.27),
    _residual(32, 0.46),
    _residual(44, 0.66),
    _residual(56, 0.85),
    _residual(110, 1.7),
    _residual(1202, 19.4),
    _apart("layers", "8 and 2 layers a side", (80, 36), ({"layers": 8}, {"layers": 2})),
    _apart("hidden", "4096 and 1024 hidden units", (90, 53), ({"hidden": 4096}, {"hidden": 1024})),
    _apart("keys", "keys of 64 and of 16", (65, 58), ({"key": 64}, {"key": 16})),
    *_gpt(12, 768, 117, 124),
    *_gpt(24, 1024, 345, 355),
    *_gpt(36, 1280, 762, 774),
    *_gpt(48, 1600, 1542, 1558),
    Reproduction(
        "effective-paths",
        "veit-2016",
        "section number not checked",
        "percent of all paths of 54 blocks that go through 5 to 17 of them",
        0.45,
        "branches",
        "reproduced",
        lambda: 100 * paths.path_share(54, 5, 17),
        tolerance=0.005,
        checked="the paper's sentences, as three readers' notes quote them",
    ),
    Reproduction(
        "sampled-paths",
        "veit-2016",
        "section number not checked",
        "blocks on an average path, 23 blocks",
        11.5,
        "branches",
        "reproduced",
        lambda: paths.mean_path(23),
        tolerance=1e-9,
        checked="the paper's sentences, as a reader's notes quote them",
    ),
    Reproduction(
        "root-of-depth",
        "de-2020",
        "abstract",
        "power of the depth by which branches shrink beside the sum, batch normalisation",
        0.5,
        "branches",
        "reproduced",
        lambda: paths.branch_exponent(FIVE),
        tolerance=0.03,
        checked="the paper's abstract",
    ),
    Reproduction(
        "fixup-two",
        "zhang-2019",
        "section 3, -1 / (2m - 2)",
        "power of the depth by which the first layer of a branch of 2 must shrink",
        -1 / 2,
        "branches",
        "reproduced",
        lambda: paths.fixup_exponent(2, FIVE),
        tolerance=0.02,
        checked="the rule, as many implementations and summaries quote it",
    ),
    Reproduction(
        "fixup-three",
        "zhang-2019",
        "section 3, -1 / (2m - 2)",
        "the same for branches of 3",
        -1 / 4,
        "branches",
        "reproduced",
        lambda: paths.fixup_exponent(3, FIVE),
        tolerance=0.02,
        checked="the rule, as many implementations and summaries quote it",
    ),
    Reproduction(
        "smaller-gradient",
        "ioffe-2015",
        "section 3.3",
        "factor of a weight's gradient as its layer's weights get 10 times larger",
        1 / 10,
        "normalisation",
        "reproduced",
        lambda: norms.weight_gradient_factor(10.0),
        tolerance=1e-9,
        checked="the paper's text, as public conversions of it have it",
    ),
    Reproduction(
        "unseen-changes",
        "ba-2016",
        "table 1",
        "entries that come out, of 3 normalisations and 6 changes",
        18.0,
        "normalisation",
        "reproduced",
        lambda: float(norms.agreeing("batch", "weight", "layer")),
        tolerance=0.5,
        checked="the table, as three notes and the readme of the next row's paper repeat it",
    ),
    Reproduction(
        "unseen-by-rms",
        "sennrich-2019",
        "table 1",
        "entries that come out, RMS normalisation and 6 changes",
        6.0,
        "normalisation",
        "reproduced",
        lambda: float(norms.agreeing("rms")),
        tolerance=0.5,
        checked="the readme of the authors' code",
    ),
    Reproduction(
        "gradient-bound",
        "santurkar-2018",
        "theorem 4.1",
        "squared gradient in front of a batch normalisation, over its bound",
        "at most 1",
        "normalisation",
        "qualitative",
        lambda: norms.gradient_bound_met(FIVE),
        bounds=(0.0, 1 + 1e-9),
        checked="the theorem, as a reader's notes quote it",
    ),
    Reproduction(
        "post-norm-sum",
        "xiong-2020",
        "lemma 2",
        "mean square in front of a layer's second normalisation, post-norm",
        3 / 2,
        "normalisation",
        "reproduced",
        lambda: [float(np.mean(norms.mean_squares("post", 12, seed))) for seed in FIVE],
        tolerance=0.05,
        checked="the paper's text, as a public conversion of it has it",
    ),
    Reproduction(
        "pre-norm-growth",
        "xiong-2020",
        "lemma 2 and its proof",
        "what a layer adds to the mean square of the sum, pre-norm, 64 places",
        "between 1/2 and 3/2",
        "normalisation",
        "qualitative",
        lambda: norms.growth(FIVE),
        bounds=(0.5, 1.5),
        checked="the paper's text, as a public conversion of it has it",
    ),
    Reproduction(
        "pre-norm-one-place",
        "xiong-2020",
        "lemma 2 and its proof, the upper end",
        "the same for an input of one place",
        3 / 2,
        "normalisation",
        "reproduced",
        lambda: norms.growth(TEN, places=1),
        tolerance=0.1,
        checked="the paper's text, as a public conversion of it has it",
    ),
    Reproduction(
        "last-gradient-pre",
        "xiong-2020",
        "theorem 1",
        "factor of the last layer's gradient from 16 to 128 layers, pre-norm",
        math.sqrt(16 / 128),
        "normalisation",
        "reproduced",
        lambda: norms.depth_factor("pre", TEN),
        tolerance=0.04,
        checked="the paper's text, as a public conversion of it has it",
    ),
    Reproduction(
        "last-gradient-post",
        "xiong-2020",
        "theorem 1",
        "the same, post-norm",
        1.0,
        "normalisation",
        "reproduced",
        lambda: norms.depth_factor("post", TEN),
        tolerance=0.1,
        checked="the paper's text, as a public conversion of it has it",
    ),
    Reproduction(
        "score-variance",
        "vaswani-2017",
        "section 3.2.1, footnote",
        "variance of the dot products of random queries and keys of 64",
        64.0,
        "normalisation",
        "reproduced",
        lambda: [steps.score_variance(64, seed) for seed in FIVE],
        tolerance=1.0,
        checked="the paper's text, as public conversions of it have it",
    ),
    Reproduction(
        "adam-sparse",
        "kingma-2015",
        "section 2.1",
        "step over rate at a first gradient after 20,000 of 0",
        steps.sparse_bound(),
        "the-step",
        "reproduced",
        lambda: steps.adam_length([*20_000 * [0.0], 1.0]),
        tolerance=1e-6,
        checked="the paper's text, as a public conversion of it has it",
    ),
    Reproduction(
        "stable-curvature",
        "cohen-2021",
        "abstract",
        "rate times curvature from which descent leaves a parabola",
        2.0,
        "the-step",
        "reproduced",
        lambda: steps.largest_curvature(0.01),
        tolerance=0.001,
        checked="the paper's abstract, and the readme of its code",
    ),
    Reproduction(
        "half-smallest",
        "micikevicius-2018",
        "section 3.1",
        "logarithm (base 2) of the smallest float16 above 0",
        -24.0,
        "the-step",
        "reproduced",
        lambda: math.log2(float(np.nextafter(np.float16(0), np.float16(1)))),
        tolerance=1e-9,
        checked="the paper's text, as public conversions of it have it",
    ),
    Reproduction(
        "half-normal",
        "micikevicius-2018",
        "section 3.2",
        "the same for the smallest normal number",
        -14.0,
        "the-step",
        "reproduced",
        lambda: math.log2(float(np.finfo(np.float16).smallest_normal)),
        tolerance=1e-9,
        checked="summaries of the section",
    ),
    Reproduction(
        "half-largest",
        "micikevicius-2018",
        "section 3.2",
        "largest float16",
        65504.0,
        "the-step",
        "reproduced",
        lambda: float(np.finfo(np.float16).max),
        tolerance=0.5,
        checked="the paper's text, as public conversions of it have it",
    ),
    Reproduction(
        "half-lost",
        "micikevicius-2018",
        "section 3.1",
        "ratio of weight to update from which a float16 weight of 1 stays as it is",
        2048.0,
        "the-step",
        "reproduced",
        lambda: steps.lost_ratio(1.0),
        tolerance=0.5,
        checked="the paper's text, as public conversions of it have it",
    ),
)
"""These results, in the order of their pages."""
