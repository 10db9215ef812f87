"""Figures are read by machines and people: valid, light, legible in both themes, true."""

import math
import re
import subprocess
import sys
import warnings
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

import livegrad
from livegrad import MLP, figures
from livegrad._svg import (
    _cleaned,
    canvas,
    counted,
    drawable,
    legend,
    log_scale,
    marked,
    render,
)
from livegrad.dropout import dropout
from livegrad.figures import _functions
from livegrad.signals import measure, through_depth

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 2))  # (examples, features)
Y = (X[:, 0] + X[:, 1] ** 2 > 0.5).astype(int)  # (60,)
DEEP = {name: through_depth("relu", name, 30, 16, n=32) for name in ["he_normal", "zeros"]}
TANH = MLP([2, 16, 16, 16, 1], "tanh", rng=0)
ACTIVATIONS = ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "selu", "gelu"]

DRAWINGS = {
    "activations": lambda **o: figures.activations(*ACTIVATIONS, **o),
    "depth": lambda **o: figures.depth(DEEP, **o),
    "chain_rule": figures.chain_rule,
    "outcomes": lambda **o: figures.outcomes(
        [0.1, 1.0, 90.0], [0.2, 1.0, 1.0], [True, True, False], xlabel="a", ylabel="b", **o
    ),
    "weights": lambda **o: figures.weights({"a": X, "b": 3 * X}, **o),
    "layer_histograms": lambda **o: figures.layer_histograms(TANH, X, **o),
    "dropout_masks": lambda **o: figures.dropout_masks(dropout(np.ones((8, 40)), 0.3, 0)[1], **o),
    "decision_boundary": lambda **o: figures.decision_boundary(TANH, X, Y, **o),
    "curves": lambda **o: figures.curves({"a": RUNS, "b": RUNS[0] / 2}, log=True, **o),
    "seeds": lambda **o: figures.seeds({"relu": [0.9, 0.92], "tanh": [0.8, 0.85]}, **o),
    "lines": lambda **o: figures.lines(
        [1, 10, 100], {"a": [1, 2, 3], "b": [3, 2, 1]}, xlabel="x", ylabel="y", logx=True, **o
    ),
    "heatmap": lambda **o: figures.heatmap([[0.0012, 2.0]], ["row"], ["left", "right"], **o),
    "verdicts": lambda **o: figures.verdicts(
        {"a": ["open", "borne out"], "b": ["contradicted", "open"]}, ["one", "two"], **o
    ),
    "forest": lambda **o: figures.forest(
        {"a": FOREST, "b": FOREST}, {"a": (0.01, 1), "b": (-1, 1)}, **o
    ),
    "products": lambda **o: figures.products(
        ["hidden_1", "hidden_2"], [0.1, 0.2], [0.5, 3.0], {"hidden_2": "dead-units"}, **o
    ),
    "bars": lambda **o: figures.bars({"sigmoid": 0.25, "tanh": -1.0}, **o),
}
FOREST = [
    (0.1, 0.05, 0.15, "borne out"),
    (-0.3, -0.5, -0.1, "contradicted"),
    (0, -0.1, 0.1, "open"),
]
RUNS = np.exp(-np.arange(20) / 5) + np.array([[0.0], [0.1], [0.2]])  # (seeds, epochs)


@pytest.fixture(scope="module", params=DRAWINGS)
def drawing(request):
    return request.param, DRAWINGS[request.param]()


def tags(figure):
    return list(ElementTree.fromstring(figure.svg).iter())


def texts(figure):
    return [tag.text for tag in tags(figure) if tag.tag.endswith("}text")]


def test_every_drawing_is_tested():
    machinery = {"PALETTE", "Figure", "palette_css"}
    assert set(figures.__all__) - machinery == set(DRAWINGS)


def test_svg_is_valid_and_says_what_it_shows(drawing):
    _, figure = drawing
    root = ElementTree.fromstring(figure.svg)
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == figure.alt
    assert len(figure.alt) > 20 and re.search(r"\d", figure.alt)
    assert figure.caption.endswith(".")


def test_svg_scales_with_the_page(drawing):
    _, figure = drawing
    root = ElementTree.fromstring(figure.svg)
    assert root.get("width") is None and root.get("height") is None
    width = float(root.get("viewBox").split()[2])
    # Text of 11 units in a figure of this width has 8.5 pixels and more on a phone.
    assert width <= 432
    assert f"max-width:{round(1.4 * width)}px" in root.get("style")
    sizes = [float(size) for size in re.findall(r"font-size:([\d.]+)px", figure.svg)]
    assert min(sizes) >= 11


def test_svg_is_the_same_each_time(drawing):
    name, figure = drawing
    assert DRAWINGS[name]().svg == figure.svg


def test_svg_is_light(drawing):
    _, figure = drawing
    assert len(figure.svg.encode()) < 30_000


def test_svg_has_no_colour_of_its_own(drawing):
    _, figure = drawing
    bare = re.sub(r"var\(--lg-(c\d|act|wt|msk|hd),#[0-9a-f]{6}\)", "", figure.svg)
    assert not re.search(r"(fill|stroke):\s*(#|black|white|rgb)", bare)
    assert not re.search(r'(?:fill|stroke)="#', bare)
    # Text without a fill would be black on a dark page.
    for tag in tags(figure):
        if tag.tag.endswith("}text"):
            # Words may have a factor's colour.
            assert re.search(r"fill:(currentColor|var\(--lg-\w+,)", tag.get("style"))


def test_identifiers_are_unique_and_used(drawing):
    _, figure = drawing
    ids = [tag.get("id") for tag in tags(figure) if tag.get("id")]
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', figure.svg))
    assert len(ids) == len(set(ids))
    assert set(ids) == used


def test_two_figures_share_no_identifier():
    ids = [set(re.findall(r' id="([^"]+)"', draw().svg)) for draw in DRAWINGS.values()]
    assert len(set().union(*ids)) == sum(map(len, ids))


def test_no_style_sheet_or_script_leaks_into_the_page(drawing):
    _, figure = drawing
    names = {tag.tag.split("}")[1] for tag in tags(figure)}
    assert names <= {"svg", "g", "path", "use", "text", "tspan", "defs", "clipPath", "rect"}


def test_alt_and_caption_can_be_given(drawing):
    name, _ = drawing
    figure = DRAWINGS[name](alt='A "better" <text> & more', caption="Seen & measured <here>.")
    assert ElementTree.fromstring(figure.svg).get("aria-label") == 'A "better" <text> & more'
    page = figure._repr_html_()
    assert "Seen &amp; measured &lt;here&gt;." in page
    assert page.startswith('<figure class="lg-figure"><svg ')
    ElementTree.fromstring(page)


def test_repr_is_short_and_save_writes_the_svg(drawing, tmp_path):
    _, figure = drawing
    assert repr(figure) == f"Figure({figure.caption!r})"
    figure.save(tmp_path / "figure.svg")
    saved = (tmp_path / "figure.svg").read_text("utf-8")
    ElementTree.fromstring(saved)
    # A file has no page to follow, so it follows the reader's setting.
    assert re.sub(r"<style>.*?</style>", "", saved).strip() == figure.svg
    assert "prefers-color-scheme:dark" in saved


def test_a_saved_figure_has_each_colour_that_it_draws_with_in_the_dark_and_no_other(tmp_path):
    figures.lines([0, 1], {"a": [0, 1], "b": [1, 0]}, xlabel="x", ylabel="y").save(tmp_path / "f")
    (style,) = re.findall(r"<style>(.*?)</style>", (tmp_path / "f").read_text("utf-8"))
    dark = [f"--lg-{role}:{figures.PALETTE[role][1]};" for role in ("c1", "c2")]
    ink = "color:#e6e6e6;"
    assert style == f"@media(prefers-color-scheme:dark){{svg{{{ink}{''.join(dark)}}}}}"


def luminance(colour):
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    dark, light = sorted([luminance(one), luminance(other)])
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_computed_as_wcag_does():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


@pytest.mark.parametrize("role", figures.PALETTE)
def test_palette_can_be_read_on_both_pages(role):
    light, dark = figures.PALETTE[role]
    # 3 is enough for lines; the site writes formulas in these colours too.
    assert contrast(light, "#ffffff") >= 4.5
    assert contrast(dark, "#14161f") >= 4.5


@pytest.mark.parametrize(
    ("name", "factor", "role"), [("dropout_masks", "msk", "c3"), ("layer_histograms", "act", "c1")]
)
def test_a_factor_keeps_its_colour_whatever_a_page_lets_series_begin_with(
    name, factor, role, tmp_path
):
    figure = DRAWINGS[name]()
    light, dark = figures.PALETTE[role]
    assert f"fill:var(--lg-{factor},{light})" in figure.svg
    assert f"var(--lg-{role}," not in figure.svg
    figure.save(tmp_path / "alone.svg")
    assert f"--lg-{factor}:{dark};" in (tmp_path / "alone.svg").read_text("utf-8")


def test_palette_css_holds_every_role_twice():
    css = figures.palette_css()
    for role, (light, dark) in figures.PALETTE.items():
        assert css.count(f"--lg-{role}: ") == 2
        assert css.index(f"--lg-{role}: {light};") < css.index("slate")
        assert css.index(f"--lg-{role}: {dark};") > css.index("slate")


def test_lines_differ_by_more_than_their_colour():
    figure = figures.lines(
        range(40), {str(k): np.arange(40) * k for k in range(5)}, xlabel="x", ylabel="y"
    )
    styles = re.findall(r'clip-path="[^"]*" style="([^"]*stroke-width:2[^"]*)"', figure.svg)
    dashes = {re.search(r"dasharray:([\d.,]+)|$", style)[1] for style in styles}
    assert len(dashes) == 5


def test_text_keeps_its_digits():
    figure = figures.heatmap([[0.0012, 0.0345], [-0.00047, 12345.0]], ["a", "b"], ["c", "1.23456"])
    assert {"0.0012", "0.0345", "−0.00047", "1.23e+04", "1.23456"} <= set(texts(figure))
    ticks = texts(figures.lines([1, 2], {"": [0.001, 0.005]}, xlabel="x", ylabel="y"))
    assert {"0.001", "0.002", "0.005"} <= set(ticks)


def test_symbols_keep_their_capitals():
    figure = figures.lines([1, 2], {"": [1, 2]}, xlabel="x", ylabel="norm of dL/dW")
    assert figure.caption == "Norm of dL/dW for x from 1 to 2: norm of dL/dW goes from 1 to 2."


def test_labels_are_text_and_nothing_else():
    figure = figures.bars({"$5 and $6": 1.0, "a < b & c": 2.0, "relu_1": 3.0})
    assert {"$5 and $6", "a < b & c", "relu_1"} <= set(texts(figure))


def test_coordinates_survive_the_rounding():
    figure = figures.lines([0, 1, 2], {"": [0, 1, 0]}, xlabel="x", ylabel="y")
    paths = [t.get("d") for t in tags(figure) if t.tag.endswith("}path") and t.get("clip-path")]
    (line,) = [d for d in paths if d.count("L") == 2]
    x, y = np.array(re.findall(r"[\d.]+", line), dtype=float).reshape(3, 2).T
    assert x[1] - x[0] == pytest.approx(x[2] - x[1], abs=0.15)
    assert y[0] == y[2] > y[1]


def test_nothing_global_changes(drawing):
    name, figure = drawing
    before = dict(matplotlib.rcParams)
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.grid": False}):
        mine = dict(matplotlib.rcParams)
        assert DRAWINGS[name]().svg == figure.svg
        assert dict(matplotlib.rcParams) == mine
    assert dict(matplotlib.rcParams) == before


def test_pyplot_which_holds_global_state_stays_out():
    code = (
        "import sys; from livegrad import figures;"
        "figures.bars({'a': 1.0}); figures.activations('relu');"
        "figures.decision_boundary(lambda at: at[:, 0] > 0, [[-1, 0], [1, 0]], [0, 1]);"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


def test_activations_say_values_and_slopes():
    alt = figures.activations("sigmoid", "relu", xlim=(-4, 4)).alt
    assert "sigmoid has values from 0.018 to 0.982 and slopes from 0.0177 to 0.25" in alt
    assert "relu has values from 0 to 4 and slopes from 0 to 1" in alt
    assert "slope" not in figures.activations("relu", derivative=False).alt


@pytest.mark.parametrize(("name", "pieces"), [("relu", 2), ("tanh", 1), ("elu", 1)])
def test_a_slope_that_jumps_is_drawn_in_two_pieces(name, pieces):
    figure = figures.activations(name)
    value, slope = re.findall(r'd="([^"]*)" clip-path[^>]*stroke:var\(--lg-c1', figure.svg)
    assert (value.count("M"), slope.count("M")) == (1, pieces)


def test_depth_says_the_verdicts_and_marks_what_a_log_scale_cannot_show():
    figure = figures.depth(DEEP)
    he = DEEP["he_normal"]
    said = f"he_normal: signal {he.signal_gain:.2g}, gradient {he.gain:.2g} ({he.verdict})"
    assert said in figure.caption
    assert "zeros: signal 0, gradient 0 (symmetric-weights)" in figure.caption
    hidden = he.layers[:-1]
    assert (
        f"he_normal: {he.verdict}, the signal's {he.signal_gain:.2g}, with gains from "
        f"{min(s.signal_gain for s in hidden):.2g} to {max(s.signal_gain for s in hidden):.2g}, "
        f"the gradient's {he.gain:.2g}, with gains from {min(s.gain for s in hidden):.2g} to "
        f"{max(s.gain for s in hidden):.2g}"
    ) in figure.alt
    assert "Crosses at an edge" in figure.caption
    assert figure.svg.count("<use") > 4 * 30  # thirty crosses in each panel
    assert "Crosses" not in figures.depth({"he": he}).caption


def test_depth_draws_the_signals_product_upwards_and_the_gradients_downwards():
    """Twice per layer for the signal, and for the gradient three times through the last factor."""
    net = MLP([4, 4, 4, 4], "linear", lambda shape, rng: np.eye(4), head="regression")
    net.weights[0] *= 2
    net.weights[2] *= 3
    x = np.random.default_rng(0).standard_normal((8, 4))
    figure = figures.depth({"": measure(net, x, net(x) - 1)})
    lines = re.findall(
        r'd="M[\d.]+ ([\d.]+)L[\d.]+ ([\d.]+) ?"[^>]*stroke:var\(--lg-c1', figure.svg
    )
    gain_of_signal, gain_of_gradient, signal, gradient = [tuple(map(float, ys)) for ys in lines]
    assert gain_of_signal[0] < gain_of_signal[1]  # 2, then 1; y runs down the page
    assert gain_of_gradient[0] > gain_of_gradient[1]  # 1, then 3
    assert signal[0] == signal[1] and gradient[0] == gradient[1]  # 2, 2 and 3, 3


def test_depth_of_one_network_says_how_it_is():
    report = DEEP["he_normal"]
    figure = figures.depth({"": report})
    assert figure.caption.endswith(
        f"Over all layers: signal {report.signal_gain:.2g}, gradient {report.gain:.2g} "
        f"({report.verdict})."
    )


def test_depth_needs_hidden_layers_and_draws_what_overflows():
    with pytest.raises(ValueError, match="reports must be of networks with hidden layers, got 'a'"):
        figures.depth({"a": measure(MLP([2, 1], rng=0), X, Y)})
    net = MLP([2, 4, 4, 1], initializer=lambda shape, rng: np.full(shape, 1e200), rng=0)
    assert "non-finite" in figures.depth({"huge": measure(net, X, Y)}).alt


def test_the_chain_rules_arrows_carry_the_factors_in_their_colours():
    figure = figures.chain_rule()
    for factor, words in {
        "wt": ["W₂ᵀ", "W₃ᵀ", "W₁"],
        "act": ["φ′(z₁)", "φ′(z₂)"],
        "msk": ["m₁/k", "m₂/k"],
        "hd": ["δ₃ = p − y"],
    }.items():
        for word in words:
            drawn = re.search(rf"<text [^>]*>{re.escape(word)}</text>", figure.svg)
            assert drawn and f"var(--lg-{factor}," in drawn[0], word
    assert {"∂L/∂W₁ = xᵀ δ₁", "∂L/∂W₂ = a₁ᵀ δ₂", "∂L/∂W₃ = a₂ᵀ δ₃"} <= set(texts(figure))


def test_outcomes_count_what_lies_in_the_box():
    figure = figures.outcomes(
        [0.01, 1.0, 2.0, 50.0],
        [1.0, 1.0, 2.0, 1.0],
        [False, True, False, True],
        xlabel="a",
        ylabel="b",
        box=((0.1, 10.0), (0.5, 5.0)),
    )
    assert "2 trained (dots), 2 did not train (crosses)" in figure.caption
    assert "from 0.1 to 10 across and from 0.5 to 5 up, 1 of 2 trained" in figure.caption
    assert "outside of it 1 of 2" in figure.caption


@pytest.mark.parametrize(
    ("x", "y", "well", "message"),
    [
        ([], [], [], "x must hold at least one entry"),
        ([1.0], [1.0, 2.0], [True], r"one number a case, got shapes \(1,\), \(2,\) and \(1,\)"),
        ([0.0], [1.0], [True], "x and y must be positive and finite"),
        ([1.0], [np.inf], [True], "x and y must be positive and finite"),
    ],
)
def test_outcomes_that_cannot_be_drawn(x, y, well, message):
    with pytest.raises(ValueError, match=message):
        figures.outcomes(x, y, well, xlabel="a", ylabel="b")


def test_log_ticks_are_plain_numbers_or_powers():
    near = texts(figures.lines([1, 2], {"": [0.4, 0.7]}, xlabel="x", ylabel="y", logy=True))
    assert {"0.1", "0.2", "0.5", "1"} <= set(near)
    far = texts(figures.lines([1, 2], {"": [1e-12, 1]}, xlabel="x", ylabel="y", logy=True))
    assert {"10⁻¹²", "1"} <= set(far)


@pytest.mark.parametrize("log", [False, True])
def test_curves_that_diverged_or_reached_zero_are_drawn(log):
    runs = {"a": [[1.0, np.nan], [2.0, np.inf]], "b": [1.0, 0.0], "c": [[1e308], [1e308]]}
    for label, values in runs.items():
        assert label in figures.curves({label: values}, log=log).alt


def test_values_that_are_not_finite_are_drawn():
    assert "nan" in texts(figures.heatmap([[np.nan, 1.0]], ["a"], ["b", "c"]))
    assert "inf" in texts(figures.heatmap([[np.inf, 1.0]], ["a"], ["b", "c"]))
    assert "inf" in texts(figures.bars({"a": np.inf, "b": 1.0}))
    assert figures.seeds({"a": [np.nan, 1.0], "b": [np.nan]}).alt
    assert "3 values" in figures.weights({"a": [1.0, 2.0, np.nan, 3.0]}).alt
    assert figures.lines([1, 2], {"a": [np.inf, np.nan]}, xlabel="x", ylabel="y", logy=True).alt


def test_constant_values_are_drawn():
    assert "standard deviation 0" in figures.weights({"a": [2.0, 2.0]}).alt
    assert figures.heatmap([[1.0, 1.0]], ["a"], ["b", "c"]).alt
    assert figures.seeds({"a": [1.0]}).alt
    assert figures.curves({"a": [0.5]}).alt
    dead = MLP([2, 4, 1], initializer="zeros", rng=0)
    assert "standard deviation 0" in figures.layer_histograms(dead, X).alt


def test_layer_histograms_choose_layers():
    alt = figures.layer_histograms(TANH, X, layers=[1, 3]).alt
    a = TANH.forward(X).a[2]
    assert f"layer 3 has mean {a.mean():.3g}, standard deviation {a.std():.3g}" in alt
    assert "layer 2" not in alt
    deep = MLP([2, *[4] * 20, 1], "tanh", rng=0)
    shown = [text for text in texts(figures.layer_histograms(deep, X)) if "layer" in text]
    assert len(shown) == 6 and shown[0] == "layer 1" and shown[-1] == "layer 20"


def test_dropout_masks_count_what_is_kept():
    figure = figures.dropout_masks([[1, 0, 0, 1], [1, 1, 1, 1]])
    assert "per mask from 50% to 100%" in figure.alt
    assert sorted(d.count("M") for d in re.findall(r'd="([^"]*)" clip-path', figure.svg)) == [2, 6]
    assert figures.dropout_masks(np.zeros((1, 1))).alt
    assert figures.dropout_masks(np.ones((3, 500))).alt


def test_decision_boundary_counts_what_is_right():
    right = TANH.predict(X)[:, 0].round() == Y
    assert f"{right.mean():.0%} are right" in figures.decision_boundary(TANH, X, Y).alt
    # One class everywhere: there is no line to draw.
    all_one = figures.decision_boundary(lambda at: np.ones(len(at)), X, Y)
    assert f"{Y.mean():.0%} are right. Class 1 is the answer on 100%" in all_one.alt
    one_point = figures.decision_boundary(lambda at: at[:, 0] > 5, [[1e4, 0.0]], [1])
    assert "100% are right" in one_point.alt


def test_lines_of_any_length_and_shape_are_drawn():
    x = np.linspace(0, 1, 61)[:, None]  # (61, 1)
    assert figures.lines(x, {"a": x**2}, xlabel="x", ylabel="y").caption == (
        "Y for x from 0 to 1: a goes from 0 to 1."
    )


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: figures.activations(), "names must hold at least one entry"),
        (lambda: figures.activations("rely"), "unknown activation 'rely'"),
        (lambda: figures.activations("relu", xlim=(1, 1)), "xlim must be"),
        (lambda: figures.depth({}), "reports must hold at least one entry"),
        (lambda: figures.weights({}), "arrays must hold"),
        (lambda: figures.weights({"a": []}), r"arrays\['a'\] must hold at least one finite value"),
        (lambda: figures.layer_histograms(MLP([2, 1]), X), "layers must hold"),
        (lambda: figures.layer_histograms(TANH, X, layers=[]), "layers must hold"),
        (lambda: figures.layer_histograms(TANH, X, layers=[4]), "from 1 to 3, got 4"),
        (lambda: figures.dropout_masks([]), r"masks must have the shape .* got \(0,\)"),
        (lambda: figures.dropout_masks([[0.5, 1]]), "masks must hold 0 and 1 only, got 0.5"),
        (lambda: figures.decision_boundary(TANH, X[:, :1], Y), r"got \(60, 1\)"),
        (lambda: figures.decision_boundary(TANH, X[:0], Y[:0]), r"got \(0, 2\)"),
        (lambda: figures.decision_boundary(TANH, X, Y[:5]), r"\(60,\), got \(5,\)"),
        (lambda: figures.decision_boundary(TANH, X, Y + 1), "y must hold 0 and 1 only, got 2"),
        (
            lambda: figures.decision_boundary(MLP([2, 1], "tanh", head="regression"), X, Y),
            r"predict must return probabilities from 0 to 1, got \d",
        ),
        (
            lambda: figures.decision_boundary(MLP([2, 3], head="multiclass"), X, Y),
            r"predict must return the shape \(6561,\), got \(6561, 3\)",
        ),
        (lambda: figures.curves({}), "series must hold"),
        (lambda: figures.curves({"a": []}), r"series\['a'\] must have the shape"),
        (lambda: figures.curves({"a": np.ones((1, 2, 3))}), r"got \(1, 2, 3\)"),
        (lambda: figures.seeds({}), "groups must hold"),
        (lambda: figures.seeds({"a": []}), r"groups\['a'\] must hold"),
        (lambda: figures.lines([1], {}, xlabel="x", ylabel="y"), "series must hold"),
        (lambda: figures.lines([], {"a": []}, xlabel="x", ylabel="y"), "x must hold"),
        (
            lambda: figures.lines([1, 2], {"a": [1]}, xlabel="x", ylabel="y"),
            r"series\['a'\] must have the shape \(2,\), got \(1,\)",
        ),
        (lambda: figures.heatmap([[]], ["a"], []), r"got \(1, 0\)"),
        (lambda: figures.heatmap([[1.0]], ["a"], ["b", "c"]), r"\(1, 2\).* got \(1, 1\)"),
        (lambda: figures.heatmap([[np.nan]], ["a"], ["b"]), "values must hold at least one finite"),
        (lambda: figures.bars({}), "values must hold"),
    ],
)
def test_what_cannot_be_drawn_is_named(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_a_legend_of_many_entries_stays_within_the_figure():
    names = ["relu", "leaky_relu", "elu", "selu", "softplus", "silu", "gelu"]
    svg = figures.activations(*names).svg
    width = float(re.search(r'viewBox="0 0 ([\d.]+)', svg)[1])
    for name in names:
        left = float(re.search(rf'x="([\d.]+)"[^>]*>{name}</text>', svg)[1])
        assert left + 6 * len(name) < width, name


def test_the_package_loads_the_figures_at_their_first_use():
    assert livegrad.__getattr__("figures") is figures
    assert livegrad.__getattr__("doctor").__name__ == "livegrad.doctor"
    with pytest.raises(AttributeError, match=r"^module 'livegrad' has no attribute 'pictures'$"):
        livegrad.pictures  # noqa: B018


# What Matplotlib wrote, cleaned.


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("<!-- a note\n of two lines --><text>1</text>", "<text>1</text>"),
        ("<metadata>\n<date/>\n</metadata><text>1</text>", "<text>1</text>"),
        ("<defs>\n<style>*{stroke:red}</style>\n</defs><text>1</text>", "<text>1</text>"),
        ("<defs></defs><text>1</text>", "<text>1</text>"),
        ("<g/><text>1</text>", "<text>1</text>"),
        ("<g></g><text>1</text>", "<text>1</text>"),
        ("<g/><g></g><defs></defs><g><g/></g><text>1</text>", "<text>1</text>"),
        (
            '<g id="axes_1"><g clip-path="url(#a)"><g><text>1</text></g></g><g><text>2</text>'
            "</g></g>",
            '<g clip-path="url(#lg@-0)"><text>1</text></g><text>2</text>',
        ),
        ('<path d="M 0 0" style="fill: none"/><text>1</text>', "<text>1</text>"),
        ('<path style="stroke: red"/><text>1</text>', "<text>1</text>"),
        ('<text x="1.26" transform="rotate(-0 1.26 2)">1.26</text>', '<text x="1.3">1.26</text>'),
        (
            '<path d="M 1.04 9.9\nL 1.04 12.26\nM 1.04 9L 1.2 9M -3 -2L -3 -4L -3 -5"/>',
            '<path d="M1 9.9v2.4M1 9L1.2 9M-3 -2v-2L-3 -5"/>',
        ),
        ("<svg/>", "<svg/>"),
    ],
)
def test_what_says_nothing_is_left_out(written, kept):
    svg = _cleaned(f'<?xml version="1.0"?>\n<svg viewBox="0 0 9 9">\n{written}\n</svg>\n', "alt")
    svg = re.sub(r"#lg[0-9a-f]{8}-", "#lg@-", svg)
    assert re.fullmatch(r"<svg [^>]*>(.*)</svg>", svg)[1] == kept


@pytest.mark.parametrize(
    ("written", "opened"),
    [
        ('<svg viewBox="0 0 20 90"/>', 'viewBox="0 0 20 90" {said} style="max-width:28px;'),
        ("<svg/>", 'viewBox="0 0 1 1" {said} style="max-width:1px;'),
        (
            '<svg viewBox="0 0 9 9"><use xlink:href="#a"/>',
            'xmlns:xlink="http://www.w3.org/1999/xlink" ',
        ),
    ],
)
def test_the_drawing_says_its_size(written, opened):
    pattern = re.escape(
        '<svg xmlns="http://www.w3.org/2000/svg" '
        + opened.format(said='role="img" aria-label="alt"')
    )
    assert re.match(pattern, _cleaned(written, "alt"))


# Where things stand on an axis.


def beside(target):
    """Return a number whose logarithm, as NumPy rounds it here, is exactly the target."""
    number = np.full(2, 10.0**target)
    for _ in range(50):
        number = np.nextafter(number, np.inf if np.log10(number)[0] < target else 0)
        if np.log10(number)[0] == target:
            return number[0]
    raise AssertionError(f"no number has the logarithm {target}")


@pytest.mark.parametrize(("end", "other"), [("low", 1000.0), ("high", 0.01)])
def test_a_tick_that_is_exactly_as_far_beyond_the_edge_as_allowed_is_drawn(end, other):
    edge = 1 + 1e-9
    room = np.log10(edge) if end == "low" else -np.log10(edge)
    start = 10 ** ((room + 0.05 * np.log10(other)) / 1.05)

    def meets(number):
        low, high = np.log10(sorted([number, other]))
        margin = 0.05 * (high - low)
        if end == "low":
            return 10.0 ** (low - margin) / edge == 1
        return 10.0 ** (high + margin) * edge == 1

    near = start * (1 + np.arange(-500, 501) * 2.0**-53)
    number = next(number for number in near if meets(number))
    with canvas() as drawn:
        axes = drawn.add_subplot()
        log_scale(axes, "x", np.array([number, other]))
        assert 1.0 in axes.xaxis.get_major_locator().locs


@pytest.mark.parametrize(
    ("values", "low", "high", "labels"),
    [
        # Whole powers of ten around what spans less than one and a half of them.
        ([1.0], 0, 1, "1 2 5 10"),
        ([0.4, 0.7], -1, 0, "0.1 0.2 0.5 1"),
        ([100, 1000], 2, 3, "100 200 500 1000"),
        ([100, 2000], 2, 4, "10² 10³ 10⁴"),
        ([0.002, 0.004], -3, -2, "0.001 0.002 0.005 0.01"),
        ([1, beside(1.5)], -0.075, 1.575, "1 2 5 10 20"),
        # A margin around what spans more.
        ([2.2, 100], 0.2595438, 2.0828789, "2 5 10 20 50 100"),
        ([1, 10**2.5], -0.125, 2.625, "1 10 100"),
        ([beside(0.2500000000000073), beside(2.52272727272728)], 0.1363636, 2.6363636, "10 100"),
        ([1e-3, 1e3], -3.3, 3.3, "0.01 1 100"),
        ([1e-12, 1], -12.6, 0.6, "10⁻¹² 10⁻⁹ 10⁻⁶ 10⁻³ 1"),
        # Plain numbers from 0.001 to 1000.
        ([0.0005, 0.5], -3.45103, -0.15103, "0.001 0.01 0.1"),
        ([beside(-3.4), beside(-1.3999999999999981)], -3.5, -1.3, "10⁻³ 10⁻²"),
        ([beside(1.400000000000006), beside(3.4000000000000004)], 1.3, 3.5, "10² 10³"),
        ([10, 10000], 0.85, 4.15, "10¹ 10² 10³ 10⁴"),
        # Matplotlib has no place for more.
        ([1e-299, 1], -305, 14.95, "10⁻²⁷⁰ 10⁻²¹⁶ 10⁻¹⁶² 10⁻¹⁰⁸ 10⁻⁵⁴ 1"),
        ([1, 1e299], -14.95, 305, "1 10⁵⁴ 10¹⁰⁸ 10¹⁶² 10²¹⁶ 10²⁷⁰"),
        ([np.inf, 1e301, 1e-301, 0, -3, 5, 7], 0, 1, "1 2 5 10"),
        ([np.nan, 0, -1], -1, 0, "0.1 0.2 0.5 1"),
    ],
)
@pytest.mark.parametrize("name", ["x", "y"])
def test_a_log_axis_has_round_ticks_within_its_limits(name, values, low, high, labels):
    with canvas() as drawn:
        axes = drawn.add_subplot()
        log_scale(axes, name, np.array(values, dtype=float))
        scales = {"x": axes.get_xscale(), "y": axes.get_yscale()}
        axis = axes.xaxis if name == "x" else axes.yaxis
        shown = [label.get_text() for label in axis.get_ticklabels()]
        places, limits = axis.get_ticklocs(), np.log10(axis.get_view_interval())
    assert scales.pop(name) == "log" and set(scales.values()) == {"linear"}
    assert limits == pytest.approx([low, high], abs=1e-7)
    assert shown == labels.split()
    assert (np.log10(places) >= low - 1e-6).all() and (np.log10(places) <= high + 1e-6).all()


@pytest.mark.parametrize(
    ("count", "margin", "ticks"),
    [
        (1, 0.2, [1]),
        (6, 0.2, [1, 2, 3, 4, 5, 6]),
        (7, 0.2, [2, 4, 6]),  # seven would be one too many
        (14, 0.39, [5, 10]),
        (31, 0.9, [10, 20, 30]),
        (101, 0.9, [20, 40, 60, 80, 100]),
    ],
)
def test_a_count_starts_at_one_and_has_six_ticks_at_most(count, margin, ticks):
    with canvas() as drawn:
        axes = drawn.add_subplot()
        counted(axes, count)
        low, high = axes.get_xlim()
        shown = [at for at in axes.get_xticks() if low <= at <= high]
    assert (low, high) == pytest.approx((1 - margin, count + margin), rel=1e-12)
    assert shown == ticks


@pytest.mark.parametrize(
    ("points", "every"), [(1, 1), (12, 1), (23, 1), (24, 2), (25, 2), (36, 3), (40, 3)]
)
def test_a_line_has_about_a_dozen_markers(points, every):
    assert marked(0, points)["markevery"] == every
    # A fraction would be a distance on the page.
    assert isinstance(marked(0, points)["markevery"], int)


def test_lines_of_up_to_25_points_have_markers():
    marks = [
        figures.lines(range(n), {"": range(n)}, xlabel="x", ylabel="y").svg.count("<use")
        for n in (25, 26)
    ]
    assert marks[0] - marks[1] >= 12


def test_only_what_an_axis_has_a_place_for_is_drawn():
    edge = [1e300, 9e299, 1.5e-300, 1e-300, 0.0, -1e-300, -9e299, -1e300, np.inf, np.nan]
    on_log = [np.nan, 9e299, 1.5e-300] + 7 * [np.nan]
    on_linear = [np.nan, *edge[1:7], np.nan, np.nan, np.nan]
    np.testing.assert_array_equal(drawable(np.array(edge), log=True), on_log)
    np.testing.assert_array_equal(drawable(np.array(edge), log=False), on_linear)


def test_what_a_log_axis_has_no_place_for_leaves_the_line_without_a_point():
    figure = figures.lines([0, 1, 10], {"": [1, 2, 3]}, xlabel="x", ylabel="y", logx=True)
    (line,) = re.findall(r'd="([^"]*)" clip-path[^>]*stroke:var\(--lg-c1', figure.svg)
    assert (line.count("M"), line.count("L")) == (1, 1)


@pytest.mark.parametrize(
    ("names", "columns"),
    [
        (["a" * 26, "b" * 26], 2),  # 66 letters, with seven for each sample of a line
        (["a" * 27, "b" * 26], 1),
        (["a" * 70, "b" * 70], 1),  # one column does not fit either
        (["a" * 15, "b" * 15, "c" * 15], 3),
        (["a" * 16, "b" * 15, "c" * 15], 2),
    ],
)
def test_a_legend_has_as_many_columns_as_fit(names, columns):
    with canvas() as drawn:
        axes = drawn.add_subplot()
        for name in names:
            axes.plot([0, 1], [0, 1], label=name)
        legend(drawn)
        figure = render(drawn, "alt", "caption")
    starts = {re.search(rf'x="([\d.]+)"[^>]*>{name}</text>', figure.svg)[1] for name in names}
    assert len(starts) == columns


def test_a_seed_that_lies_alone_has_an_edge():
    svg = figures.seeds({"a": [0.0, 1.5]}).svg
    dots = re.search(r'<g style="([^"]*fill-opacity:0.55[^"]*)"', svg)[1]
    assert "stroke:var(--lg-c1,#0072b2)" in dots and "stroke-width:0.8" in dots, dots


def test_seeds_have_six_ticks_at_most():
    assert texts(figures.seeds({"a": [0.0, 1.5]}))[:4] == ["0.0", "0.5", "1.0", "1.5"]


def test_a_slope_that_jumps_beside_the_edge_is_drawn_in_two_pieces():
    # -1 alone lies to the left of the jump.
    figure = figures.activations("relu", xlim=(-1, 239))
    _, slope = re.findall(r'd="([^"]*)" clip-path[^>]*stroke:var\(--lg-c1', figure.svg)
    assert slope.count("M") == 2


def test_a_jump_of_a_thousandth_is_left_open():
    x = np.array([-1.0, -0.5, 0.5, 1.0])
    for jump, gap in [(1e-3, True), (math.nextafter(1e-3, 0), False)]:
        across, slopes = _functions._with_gap(x, lambda at, jump=jump: np.where(at > 0, jump, 0.0))
        assert (np.diff(across) > 0).all()
        assert across[np.isnan(slopes)].tolist() == ([0.0] if gap else [])


# What may be handed over.


@pytest.mark.parametrize("at", ["x", "y"])
def test_none_is_a_value_that_is_missing(at):
    drawn = []
    for no in (None, np.nan):
        places = {"x": [1, 2, 3], "y": [1, 2, 3]} | {at: [1, no, 3]}
        drawn.append(figures.lines(places["x"], {"": places["y"]}, xlabel="x", ylabel="y").svg)
    assert drawn[0] == drawn[1]


def test_none_is_no_answer():
    def undecided(at):
        return [None if first > 0 else 1.0 for first in at[:, 0]]

    figure = figures.decision_boundary(undecided, [[-1, 0], [1, 0]], [1, 0])
    assert "100% are right" in figure.alt


def test_short_types_are_drawn_as_the_numbers_they_hold():
    short = np.array([0.01, 0.3, 7.0], dtype=np.float16)
    drawn = [
        figures.lines(v, {"": v}, xlabel="x", ylabel="y", logx=True, logy=True).svg
        for v in (short, short.astype(float))
    ]
    assert drawn[0] == drawn[1]


def test_verdicts_stand_in_their_groups():
    row = ["borne out", "contradicted", "open", "open"]
    figure = figures.verdicts({"he": row, "glorot": row[::-1]}, ["early", "late"])
    assert "he: 1 borne out, 1 contradicted; glorot: 1 borne out" in figure.alt
    assert figure.caption.startswith("Of 8 cases 2 borne out (squares), 2 contradicted (crosses)")
    assert {"early", "late", "he", "glorot", "borne out", "contradicted", "open"} <= set(
        texts(figure)
    )


@pytest.mark.parametrize(
    ("outcomes", "groups", "message"),
    [
        ({}, ["a"], r"^outcomes must hold at least one entry"),
        ({"a": ["open"]}, [], r"^groups must hold at least one entry"),
        ({"a": ["open"] * 3}, ["a", "b"], r"^outcomes\['a'\] must have one entry or more for each"),
        ({"a": []}, ["a"], r"^outcomes\['a'\] must have one entry or more for each of 1 groups"),
        ({"a": ["right"]}, ["a"], r"^outcomes must be borne out, contradicted, open, got 'right'"),
        ({"a": ["open"], "b": ["open"] * 2}, ["a"], r"^outcomes must have one length, got \[1, 2"),
    ],
)
def test_verdicts_that_cannot_be_drawn_are_an_error(outcomes, groups, message):
    with pytest.raises(ValueError, match=message):
        figures.verdicts(outcomes, groups)


def test_a_forest_shades_where_a_claim_holds_and_counts_its_cases():
    figure = figures.forest({"he": FOREST}, {"he": (0.01, np.inf)})
    assert "1 borne out (blocks), 1 contradicted (bars), 1 open (dots)" in figure.caption
    assert figure.alt.endswith("he, 1 borne out, 1 contradicted, from -0.3 to 0.1.")
    assert "the shade is where the claim holds" in figure.caption


def test_a_long_name_leaves_a_forest_its_width():
    long = {"he" * 60: FOREST}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert figures.forest(long, dict.fromkeys(long, (0.01, 1.0))).svg


@pytest.mark.parametrize(
    ("cases", "holds", "message"),
    [
        ({}, {}, "cases must"),
        ({"he": []}, {"he": (0, 1)}, r"cases\['he'\] must"),
        ({"he": [(0, 0, 0, "true")]}, {"he": (0, 1)}, "outcomes must be borne out, .*'true'"),
        ({"he": [(0, np.nan, 0, "open")]}, {"he": (0, 1)}, r"cases\['he'\] must be finite"),
        ({"he": FOREST}, {}, "holds must have each row, got none for 'he'"),
    ],
)
def test_a_forest_that_cannot_be_drawn_is_an_error(cases, holds, message):
    with pytest.raises(ValueError, match=message):
        figures.forest(cases, holds)


def test_curves_count_the_epochs_between_two_values():
    figure = figures.curves({"a": [0.5, 0.7, 0.9]}, every=6)
    labels = [text for text in texts(figure) if text.isdigit()]
    assert "18" in labels or "15" in labels
    assert max(map(int, labels)) <= 18


def test_a_forest_of_many_rows_leaves_the_intervals_out():
    few, many = (
        figures.forest({f"he {k}": FOREST for k in range(n)}, {f"he {k}": (0, 1) for k in range(n)})
        for n in (12, 13)
    )
    assert "with their intervals" in few.alt and "with their intervals" not in many.alt
    assert len(many.svg) < len(few.svg)


def many(count, marked=None):
    names = [f"encoder.layers.{at}.linear" for at in range(count)]
    return figures.products(names, [0.9] * count, [1.1] * count, marked)


def test_products_run_from_both_ends():
    figure = figures.products(["a", "b", "c"], [0.5, 0.1, 2.0], [2.0, 3.0, 0.5])
    said = ["a: signal 2, gradient 0.1", "b: signal 6, gradient 0.2", "c: signal 3, gradient 2"]
    assert all(part in figure.alt for part in said)
    assert "the signal's ends at 3, the gradient's at 0.1" in figure.caption


def test_products_are_told_apart_without_colour():
    figure = DRAWINGS["products"]()
    paths = re.findall(r'<path d="[^"]{60,}" [^>]*style="([^"]*)"', figure.svg)
    assert len([look for look in paths if "fill:none" in look]) == 1
    assert len([look for look in paths if re.search(r"fill:var\(--lg-c1", look)]) == 1
    shown = texts(figure)
    assert "signal, from the input on" in shown and "gradient, from the output back" in shown
    assert any(text.endswith(" dead-units") for text in shown)


@pytest.mark.parametrize("count", [1, 40, 41, 500])
def test_products_of_many_layers_stay_light_and_name_some(count):
    figure = many(count, {f"encoder.layers.{count // 2}.linear": "frozen"})
    named = [text for text in texts(figure) if text.endswith(".linear")]
    assert len(named) == len(set(named)) and min(count, 20) <= len(named) <= 41
    assert any(f"{count // 2}.linear" in text for text in named)
    assert any(text.endswith(" frozen") for text in texts(figure))
    # A row takes 96 characters of the outline; nothing grows faster.
    assert len(figure.svg) < 30_000 + 40 * count
    height = float(ElementTree.fromstring(figure.svg).get("viewBox").split()[3])
    assert height <= 72 * 7.7


def test_products_that_have_no_place_are_crosses_and_gains_unknown_are_passed_over():
    figure = figures.products(["a", "b", "c"], [0.0, 0.5, math.nan], [2.0, 1e200, 1e200])
    assert "a: signal 2, gradient 0;" in figure.alt and "c: signal inf" in figure.alt
    assert "Passed over, since a gain is not finite: c." in figure.caption
    assert "Crosses at an edge" in figure.caption
    assert "Crosses" not in many(3).caption and "Passed" not in many(3).caption


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (([], [], []), "names must hold at least one entry, got none"),
        ((["a"], [1.0, 2.0], [1.0]), r"gains must have the shape \(1,\), got \(2,\)"),
        ((["a"], [1.0], [[1.0]]), r"signal_gains must have the shape \(1,\), got \(1, 1\)"),
    ],
)
def test_products_need_as_many_gains_as_layers(given, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        figures.products(*given)
