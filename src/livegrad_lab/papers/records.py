"""All results of papers that the site checks, in the order of its pages."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from livegrad.activations import sigmoid
from livegrad_lab.papers import (
    edge,
    finite,
    functions,
    masks,
    recurrent,
    selu,
    signal,
)
from livegrad_lab.papers.later import LATER
from livegrad_lab.reproduction import Reproduction

__all__ = ["RECORDS", "of_page"]

FIVE = tuple(range(5))
TEN = tuple(range(10))
COUNTS = (1, 2, 5, 10, 20, 50)


def _rectifiers(initializer: str, depth: int) -> list[float]:
    """Train rectifier networks, the setting of He's figure 3 at our size: 1 for who learns.

    A run of so many layers is chaotic: rounding alone moves its accuracy, but not past this mark.
    """
    reached = signal.deep_accuracy("relu", initializer, depth, 300, 0.003, FIVE)
    return [float(accuracy > 0.3) for accuracy in reached]


def _sigmoids() -> Sequence[float]:
    """Train five sigmoid layers, the setting of Glorot's figure 2 at our size."""
    return signal.deep_accuracy("sigmoid", "fan_in_uniform", 5, 300, 0.1, FIVE)


def _tanhs(weight: float, depth: int) -> list[float]:
    """Train tanh networks, the setting of Schoenholz's figure 5 at our size: 1 for who learns."""
    losses = edge.trained_loss(weight, 0.05, depth, FIVE, 300, 0.003)
    return [float(loss < 0.5) for loss in losses]


def _ridge_gap() -> float:
    rng = np.random.default_rng(0)
    x, y, w = rng.standard_normal((30, 8)), rng.standard_normal(30), rng.standard_normal(8)
    gaps = [
        abs(masks.enumerated_loss(x, y, w, keep) / masks.ridge_loss(x, y, w, keep) - 1)
        for keep in (0.2, 0.5, 0.8)
    ]
    return max(gaps)


def _above_scaling(count: int) -> list[float]:
    averaged, scaled = masks.averaging_errors(FIVE, COUNTS)
    at = COUNTS.index(count)
    return [row[at] - one for row, one in zip(averaged, scaled, strict=True)]


def _wall() -> float:
    """Largest over median slope of the error surface."""
    weight, bias = np.meshgrid(np.linspace(4, 7, 301), np.linspace(-4, -1, 301))
    slope = recurrent.error_surface(weight, bias).slope
    return float(slope.max() / np.median(slope))


def _last_variance(initializer: str) -> list[float]:
    return [selu.layer_moments(initializer, seed, mean=0.3, variance=1.4)[1][-1] for seed in FIVE]


def _fraction(values: Sequence[float], others: Sequence[float]) -> list[float]:
    return [value / other for value, other in zip(values, others, strict=True)]


RECORDS: tuple[Reproduction, ...] = (
    Reproduction(
        "sigmoid-slope",
        "hochreiter-1991",
        "as in the 1997 paper, section 3.1",
        "largest slope of the sigmoid",
        0.25,
        "hochreiter-bengio",
        "reproduced",
        lambda: float(sigmoid.derivative(np.linspace(-10, 10, 20_001)).max()),
        tolerance=1e-12,
        checked="Hochreiter and Schmidhuber 1997, which repeats the thesis's analysis",
    ),
    Reproduction(
        "sigmoid-weight",
        "hochreiter-1997",
        "section 3.1",
        "weight up to which the error flow through sigmoid units must vanish",
        4.0,
        "hochreiter-bengio",
        "reproduced",
        lambda: recurrent.threshold("sigmoid"),
        tolerance=1e-12,
    ),
    Reproduction(
        "latching",
        "bengio-1994",
        "theorem number not checked",
        "one step back at a state that a tanh unit keeps, weight 2",
        "below 1: what is stored robustly has vanishing gradients",
        "hochreiter-bengio",
        "qualitative",
        lambda: signal.latched_slope(2.0),
        bounds=(0.0, 1.0),
        checked="the paper's abstract",
    ),
    Reproduction(
        "standard-variance",
        "glorot-2010",
        "eqs. 13 and 15",
        "factor of the gradient's variance a layer, the common uniform range, tanh near 0",
        1 / 3,
        "glorot",
        "reproduced",
        lambda: signal.gradient_factor("fan_in_uniform", 0.001, FIVE),
        tolerance=0.01,
    ),
    Reproduction(
        "normalized-variance",
        "glorot-2010",
        "eqs. 11 and 13",
        "the same for their normalised initialization",
        1.0,
        "glorot",
        "reproduced",
        lambda: signal.gradient_factor("glorot_uniform", 0.001, FIVE),
        tolerance=0.03,
    ),
    Reproduction(
        "jacobian-standard",
        "glorot-2010",
        "section 4.2.2",
        "mean singular value of a layer's Jacobian, the common range",
        0.5,
        "glorot",
        "reproduced",
        lambda: signal.jacobian_mean("fan_in_uniform", FIVE),
        tolerance=0.1,
    ),
    Reproduction(
        "jacobian-normalized",
        "glorot-2010",
        "section 4.2.2",
        "mean singular value of a layer's Jacobian, normalised",
        0.8,
        "glorot",
        "reproduced",
        lambda: signal.jacobian_mean("glorot_uniform", FIVE),
        tolerance=0.1,
    ),
    Reproduction(
        "weight-gradients",
        "glorot-2010",
        "eq. 14, fig. 8",
        "first over last weight gradient, the common range, five tanh layers",
        "about 1, while the gradient that comes back shrinks",
        "glorot",
        "qualitative",
        lambda: signal.weight_gradient_ratio("fan_in_uniform", 1.0, FIVE),
        bounds=(0.8, 1.25),
    ),
    Reproduction(
        "sigmoid-five",
        "glorot-2010",
        "fig. 2, section 3.1",
        "accuracy of five sigmoid layers, digits, the common range; chance is 0.1",
        "never leaves its plateau",
        "glorot",
        "qualitative",
        _sigmoids,
        bounds=(0.05, 0.15),
    ),
    Reproduction(
        "shapeset",
        "glorot-2010",
        "table 1",
        "test error in percent of five sigmoid layers on Shapeset",
        82.61,
        "glorot",
        "cited only",
    ),
    Reproduction(
        "he-forward",
        "he-2015",
        "eq. 10",
        "factor of the signal's variance a layer, fan-in times variance 2",
        1.0,
        "he",
        "reproduced",
        lambda: signal.forward_factor(2.0, 0.0, FIVE),
        tolerance=0.03,
        checked="a summary that quotes the equation; its number not checked",
    ),
    Reproduction(
        "he-leak",
        "he-2015",
        "eq. 15",
        "the same with slope 0.25 on the left, fan-in times variance 2 / (1 + 0.25^2)",
        1.0,
        "he",
        "reproduced",
        lambda: signal.forward_factor(2 / (1 + 0.25**2), 0.25, FIVE),
        tolerance=0.03,
        checked="a summary that quotes the equation; its number not checked",
    ),
    Reproduction(
        "vgg",
        "he-2015",
        "section 2.2",
        "factor lost between conv10 and conv2 of VGG's model B at a fixed 0.01",
        1.7e4,
        "he",
        "reproduced",
        signal.vgg_loss,
        tolerance=500.0,
        checked="a summary of the paper, and the arithmetic",
    ),
    Reproduction(
        "he-thirty",
        "he-2015",
        "fig. 3",
        "share of seeds that learn, 30 rectifier layers with He's initializer, digits",
        "converges",
        "he",
        "qualitative",
        lambda: _rectifiers("he_normal", 30),
        bounds=(0.8, 1.0),
        checked="the figure's caption, as two tutorials quote it",
    ),
    Reproduction(
        "glorot-thirty",
        "he-2015",
        "fig. 3",
        "the same with Glorot's initializer",
        "stalls",
        "he",
        "qualitative",
        lambda: _rectifiers("glorot_uniform", 30),
        bounds=(0.0, 0.2),
        checked="the figure's caption, as two tutorials quote it",
    ),
    Reproduction(
        "glorot-twentytwo",
        "he-2015",
        "fig. 2",
        "share of seeds that learn, 22 layers with Glorot's initializer, three times the steps",
        "converges, later than with He's",
        "he",
        "qualitative",
        lambda: [
            float(accuracy > 0.2)
            for accuracy in signal.deep_accuracy("relu", "glorot_uniform", 22, 900, 0.01, (0, 1, 2))
        ],
        bounds=(0.5, 1.0),
        checked="the figure's caption, as two tutorials quote it",
    ),
    Reproduction(
        "orthogonal-values",
        "saxe-2014",
        "section 3",
        "smallest singular value of a product of 100 orthogonal matrices",
        1.0,
        "saxe",
        "reproduced",
        lambda: float(signal.singular_values(100, 0, orthogonal=True)[-1]),
        tolerance=1e-10,
    ),
    Reproduction(
        "eigenvalues-middle",
        "saxe-2014",
        "fig. 6C",
        "share of eigenvalues in the bin at the origin, product of 5 Gaussian matrices",
        0.32,
        "saxe",
        "reproduced",
        lambda: signal.eigenvalue_share(5, FIVE),
        tolerance=0.02,
    ),
    Reproduction(
        "eigenvalues-right",
        "saxe-2014",
        "fig. 6C",
        "the same, product of 100 matrices",
        0.94,
        "saxe",
        "reproduced",
        lambda: signal.eigenvalue_share(100, FIVE),
        tolerance=0.02,
    ),
    Reproduction(
        "gaussian-median",
        "saxe-2014",
        "fig. 6B",
        "median singular value, product of 20 Gaussian matrices",
        "most become vanishingly small",
        "saxe",
        "qualitative",
        lambda: [float(np.median(signal.singular_values(20, seed))) for seed in FIVE],
        bounds=(0.0, 0.01),
    ),
    Reproduction(
        "gamma-tanh",
        "pascanu-2013",
        "section 2.1",
        "bound gamma of the slope of tanh",
        1.0,
        "pascanu",
        "reproduced",
        lambda: 1 / recurrent.threshold("tanh"),
        tolerance=1e-12,
    ),
    Reproduction(
        "gamma-sigmoid",
        "pascanu-2013",
        "section 2.1",
        "bound gamma of the slope of the sigmoid",
        0.25,
        "pascanu",
        "reproduced",
        lambda: 1 / recurrent.threshold("sigmoid"),
        tolerance=1e-12,
    ),
    Reproduction(
        "below-threshold",
        "pascanu-2013",
        "eqs. 6 and 7",
        "factor a step of 50 Jacobians, tanh, largest singular value 0.95",
        "at most 0.95",
        "pascanu",
        "qualitative",
        lambda: [v ** (1 / 50) for v in recurrent.longest_product("tanh", 0.95, 50, FIVE)],
        bounds=(0.0, 0.95),
    ),
    Reproduction(
        "wall",
        "pascanu-2013",
        "eq. 8, fig. 6",
        "largest over median slope of the error of one unit after 50 steps",
        "a wall of high curvature",
        "pascanu",
        "qualitative",
        _wall,
        bounds=(1000.0, math.inf),
    ),
    Reproduction(
        "critical-tanh",
        "schoenholz-2017",
        "figure number not checked",
        "critical weight variance of tanh at a bias variance of 0.05",
        1.76,
        "mean-field",
        "reproduced",
        lambda: edge.critical_weight_variance(0.05),
        tolerance=0.005,
        checked="two repositories that solve it",
    ),
    Reproduction(
        "chi-edge",
        "poole-2016",
        "chi = 1, equation number not checked",
        "factor of the gradient's mean square a layer at the edge, 300 units",
        1.0,
        "mean-field",
        "reproduced",
        lambda: edge.factor_measured(edge.critical_weight_variance(0.05), 0.05, FIVE),
        tolerance=0.05,
        checked="two repositories that solve it",
    ),
    Reproduction(
        "chi-ordered",
        "poole-2016",
        "ordered phase",
        "the same at a weight variance of 1, theory 0.759",
        "below 1",
        "mean-field",
        "qualitative",
        lambda: edge.factor_measured(1.0, 0.05, FIVE),
        bounds=(0.0, 0.95),
    ),
    Reproduction(
        "chi-chaotic",
        "poole-2016",
        "chaotic phase",
        "the same at a weight variance of 2.5, theory 1.134",
        "above 1",
        "mean-field",
        "qualitative",
        lambda: edge.factor_measured(2.5, 0.05, FIVE),
        bounds=(1.05, 2.0),
    ),
    Reproduction(
        "ordered-shallow",
        "schoenholz-2017",
        "fig. 5",
        "share of seeds that learn, weight variance 1, 10 layers: 2.8 depth scales",
        "within 6 depth scales it trains",
        "mean-field",
        "qualitative",
        lambda: _tanhs(1.0, 10),
        bounds=(0.8, 1.0),
        checked="three repositories that use the rule",
    ),
    Reproduction(
        "ordered-deep",
        "schoenholz-2017",
        "fig. 5",
        "the same with 40 layers: 11 depth scales",
        "beyond 6 depth scales it does not",
        "mean-field",
        "qualitative",
        lambda: _tanhs(1.0, 40),
        bounds=(0.0, 0.2),
        checked="three repositories that use the rule",
    ),
    Reproduction(
        "edge-deep",
        "schoenholz-2017",
        "fig. 5",
        "the same with 40 layers at the edge of chaos, weight variance 1.761",
        "at the edge any depth trains",
        "mean-field",
        "qualitative",
        lambda: _tanhs(1.761, 40),
        bounds=(0.8, 1.0),
        checked="three repositories that use the rule",
    ),
    Reproduction(
        "relu-edge",
        "hayou-2019",
        "section 3, equation number not checked",
        "weight variance at which ReLU keeps signal and gradient, no biases",
        2.0,
        "mean-field",
        "reproduced",
        lambda: 1 / float(np.mean(signal.forward_factor(1.0, 0.0, TEN))),
        tolerance=0.05,
        checked="two implementations, and the integral",
    ),
    Reproduction(
        "moments",
        "hanin-2018",
        "abstract",
        "ln of the second moment over the sum of 1/width, 5 layers of 20 units",
        "a constant: exponential in the sum of 1/width",
        "hanin-lu",
        "qualitative",
        lambda: float(np.log(np.mean(finite.squared_sizes([20] * 6, 20_000, 0) ** 2)) / (5 / 20)),
        bounds=(3.5, 5.5),
        checked="the paper's abstract",
    ),
    Reproduction(
        "born-dead-two",
        "lu-2019",
        "theorem number not checked",
        "probability of being born dead, width 2, nine hidden layers",
        "between the bounds 0.870 and 0.925",
        "hanin-lu",
        "qualitative",
        lambda: finite.born_dead(2, 9, 20_000, 0),
        bounds=(finite.born_dead_bound_of_paper(2, 9), finite.born_dead_bounds(2, 9)[1]),
        checked="the upper bound derived here; the lower one from memory of the paper",
    ),
    Reproduction(
        "born-dead-four",
        "lu-2019",
        "theorem number not checked",
        "the same, width 4",
        "between the bounds 0.204 and 0.441",
        "hanin-lu",
        "qualitative",
        lambda: finite.born_dead(4, 9, 20_000, 0),
        bounds=(finite.born_dead_bound_of_paper(4, 9), finite.born_dead_bounds(4, 9)[1]),
        checked="the upper bound derived here; the lower one from memory of the paper",
    ),
    Reproduction(
        "selu-alpha",
        "klambauer-2017",
        "eq. 14",
        "alpha of SELU, from the fixed point",
        1.6733,
        "klambauer",
        "reproduced",
        lambda: selu.constants()[0],
        tolerance=5e-5,
    ),
    Reproduction(
        "selu-scale",
        "klambauer-2017",
        "eq. 14",
        "scale of SELU, from the fixed point",
        1.0507,
        "klambauer",
        "reproduced",
        lambda: selu.constants()[1],
        tolerance=5e-5,
    ),
    Reproduction(
        "selu-jacobian",
        "klambauer-2017",
        "eq. 6",
        "spectral norm of the moments' Jacobian at the fixed point",
        0.7877,
        "klambauer",
        "reproduced",
        lambda: float(np.linalg.norm(selu.fixed_point_jacobian(), 2)),
        tolerance=5e-5,
    ),
    Reproduction(
        "selu-fifty",
        "klambauer-2017",
        "theorem 1",
        "variance after 50 layers, lecun_normal, inputs of mean 0.3 and variance 1.4",
        1.0,
        "klambauer",
        "reproduced",
        lambda: _last_variance("lecun_normal"),
        tolerance=0.1,
    ),
    Reproduction(
        "selu-he",
        "klambauer-2017",
        "section on initialization",
        "the same with he_normal",
        "another variance, other moments",
        "klambauer",
        "qualitative",
        lambda: _last_variance("he_normal"),
        bounds=(10.0, math.inf),
    ),
    Reproduction(
        "ridge",
        "srivastava-2014",
        "section 9.1",
        "largest relative gap of the mean over 256 masks and the ridge loss",
        0.0,
        "dropout",
        "reproduced",
        _ridge_gap,
        tolerance=1e-13,
        checked="two summaries of the section",
    ),
    Reproduction(
        "averaging-fifty",
        "srivastava-2014",
        "section 7.5, fig. 11",
        "test error of 50 masks' average above weight scaling's, percentage points",
        "as good at about 50 masks",
        "dropout",
        "qualitative",
        lambda: _above_scaling(50),
        bounds=(-0.5, 0.5),
        checked="three summaries of the section",
    ),
    Reproduction(
        "averaging-one",
        "srivastava-2014",
        "section 7.5, fig. 11",
        "the same for one mask",
        "worse",
        "dropout",
        "qualitative",
        lambda: _above_scaling(1),
        bounds=(1.0, math.inf),
        checked="three summaries of the section",
    ),
    Reproduction(
        "mnist",
        "srivastava-2014",
        "table 9",
        "MNIST test error in percent, dropout and max-norm",
        1.05,
        "dropout",
        "cited only",
        checked="a summary of the paper",
    ),
    Reproduction(
        "off-data",
        "gal-2016",
        "fig. 2",
        "spread over masks away from the data over that among them",
        "larger away from the data",
        "dropout",
        "qualitative",
        lambda: masks.spread_ratio(FIVE),
        bounds=(1.5, math.inf),
        checked="the paper's abstract; figure number not checked",
    ),
    Reproduction(
        "lsuv",
        "mishkin-2016",
        "algorithm 1",
        "variance of the 30th layer on new data after the scaling on other data, ReLU",
        1.0,
        "mishkin-lecun",
        "reproduced",
        lambda: functions.lsuv_variance("relu", FIVE),
        tolerance=0.1,
        checked="three implementations",
    ),
    Reproduction(
        "lecun-one",
        "lecun-1998",
        "section 4.4",
        "1.7159 tanh(2/3) at an input of 1",
        1.0,
        "mishkin-lecun",
        "reproduced",
        lambda: float(functions.lecun_tanh(1.0)),
        tolerance=1e-5,
    ),
    Reproduction(
        "lecun-curvature",
        "lecun-1998",
        "section 4.4",
        "where its second derivative is largest",
        1.0,
        "mishkin-lecun",
        "reproduced",
        functions.curvature_peak,
        tolerance=0.02,
    ),
    Reproduction(
        "gelu-logistic",
        "hendrycks-2016",
        "section 2",
        "factor at which the sigmoid is nearest to the normal distribution",
        1.702,
        "functions",
        "reproduced",
        functions.best_logistic,
        tolerance=5e-4,
        checked="two quotations of the paper's second page",
    ),
    Reproduction(
        "gelu-tanh",
        "hendrycks-2016",
        "section 2",
        "largest error of GELU's form with tanh",
        "approximates GELU",
        "functions",
        "qualitative",
        functions.tanh_form_error,
        bounds=(0.0, 0.001),
        checked="two quotations of the paper's second page",
    ),
    Reproduction(
        "elu-mean",
        "clevert-2016",
        "abstract",
        "ELU's mean over ReLU's, fifth layer, both at mean square 1",
        "below 1: nearer to zero",
        "functions",
        "qualitative",
        lambda: _fraction(
            functions.mean_activation("elu", FIVE), functions.mean_activation("relu", FIVE)
        ),
        bounds=(0.0, 0.9),
        checked="the paper's abstract",
    ),
    Reproduction(
        "softplus",
        "dugas-2001",
        "section 2, number not checked",
        "largest difference of softplus's slope and the sigmoid",
        0.0,
        "functions",
        "reproduced",
        functions.softplus_slope_gap,
        tolerance=1e-8,
        checked="the derivative itself",
    ),
    Reproduction(
        "softmax",
        "bridle-1990",
        "section number not checked",
        "largest gap of the gradient and p - y, and of two classes and the sigmoid",
        0.0,
        "functions",
        "reproduced",
        functions.bridle_gap,
        tolerance=1e-8,
        checked="the derivative itself",
    ),
    *LATER,
)
"""All records; their pages appear in this order."""


def of_page(page: str) -> list[Reproduction]:
    """Return the records that a page shows.

    Raises:
        ValueError: if there is no such page.
    """
    found = [record for record in RECORDS if record.page == page]
    if not found:
        known = ", ".join(dict.fromkeys(record.page for record in RECORDS))
        raise ValueError(f"page must be one of {known}, got {page!r}")
    return found
