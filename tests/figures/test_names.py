"""Lines are named beside their ends where that can be read, and in a legend where it cannot."""

import itertools
import re
from xml.etree import ElementTree

import numpy as np
import pytest

from livegrad import figures
from livegrad._svg import COLOURS, canvas, render, style
from livegrad.figures._names import apart, name_lines
from livegrad.signals import through_depth

X = np.linspace(0, 1, 40)  # (points,)
RELU = through_depth("relu", "he_normal", 8, 16, n=32)
# What a figure's lines end at, from far apart to close together.
ENDS = {
    "far apart": [0.1, 0.5, 0.9],
    "in pairs": [0.0, 0.01, 0.5, 0.51],
    "all close": [0.40, 0.44, 0.48, 0.52, 0.56],
    "at the lower edge": [0.0, 0.02, 1.0],
    "at the upper edge": [0.0, 0.98, 1.0],
    "one alone": [0.3],
    "as many as colours": [0.0, 0.2, 0.4, 0.6, 0.8, 1.0],
}


def fan(ends, names=None):
    """Lines that start at one place and go to these ends."""
    # Beyond the ends, that they do not decide alone how high the axis is.
    start = np.sin(9 * X) * (1 - X)
    names = names or [f"line {k}" for k in range(len(ends))]
    series = {name: start + end * X for name, end in zip(names, ends, strict=True)}
    return figures.lines(X, series, xlabel="x", ylabel="y")


def parts(figure, tag):
    return [one for one in ElementTree.fromstring(figure.svg).iter() if one.tag.endswith(tag)]


def written(figure, names):
    """The texts of these names: (x, y, style) each."""
    return {
        text.text: (float(text.get("x")), float(text.get("y")), text.get("style"))
        for text in parts(figure, "}text")
        if text.text in names
    }


def beside(figure, names):
    """Whether the names stand beside the lines: a legend's are in the page's ink."""
    inks = {"currentColor" in look for *_, look in written(figure, names).values()}
    assert len(inks) == 1, inks
    return inks == {False}


def ends_of(figure):
    """Where the series' lines end in the drawing, by colour."""
    found = {}
    for path in parts(figure, "}path"):
        look, d = path.get("style") or "", path.get("d")
        if path.get("clip-path") and (role := re.search(r"stroke:var\(--lg-(c\d)", look)):
            found[role[1]] = tuple(map(float, re.findall(r"-?[\d.]+", d)[-2:]))
    return found


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
def test_names_stand_in_the_order_of_the_ends_in_their_colours_and_do_not_overlap(ends):
    names = [f"line {k}" for k in range(len(ends))]
    figure = fan(ends, names)
    texts, at = written(figure, names), ends_of(figure)
    assert len(texts) == len(at) == len(ends)
    width, height = map(float, re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', figure.svg).groups())
    for k, name in enumerate(names):
        x, y, look = texts[name]
        light = COLOURS[k]
        assert f"fill:var(--lg-c{k + 1},{light})" in look
        # To the right of the end, inside of the drawing, and near; letters stand 3 above the base.
        right, end = at[f"c{k + 1}"]
        assert right < x < width - 30 and 8 < y < height - 3
        assert abs(y - 3.2 - end) < 32
    heights = sorted(y for _, y, _ in texts.values())
    assert all(two - one >= 12.9 for one, two in itertools.pairwise(heights)), heights
    order = sorted(names, key=lambda name: -texts[name][1])
    assert order == sorted(names, key=lambda name: ends[names.index(name)])


def leaders(figure):
    """The leaders' looks; a line is clipped at its panel, they are not."""
    return [
        path.get("style")
        for path in parts(figure, "}path")
        if not path.get("clip-path") and "stroke:var(--lg-c" in (path.get("style") or "")
    ]


def test_a_name_that_is_moved_has_a_leader_in_its_lines_dashes():
    assert leaders(fan(ENDS["far apart"])) == []
    found = leaders(fan(ENDS["all close"]))
    assert len(found) == 5
    dashes = [re.search(r"dasharray:([\d.,]+)|$", look)[1] for look in found]
    assert dashes[0] is None and len(set(dashes)) == 5


def test_an_earlier_line_without_a_name_leaves_the_others_their_dashes():
    figure = fan([0.0, 0.5, 0.52], ["", "a", "b"])
    assert beside(figure, ["a", "b"])
    assert [("c2" in look, "c3" in look) for look in leaders(figure)] == [(1, 0), (0, 1)]
    assert all("dasharray" in look for look in leaders(figure))


def test_no_name_is_no_legend():
    assert all(re.match(r"[\d.]+|x|y", text.text) for text in parts(fan([1.0], [""]), "}text"))


LEGENDS = {
    "seven lines": lambda: (fan(np.linspace(0, 1, 7)), [f"line {k}" for k in range(7)]),
    "three at one point": lambda: (
        fan([0.5, 0.505, 0.51, 0.9], list("abcd")),
        ["a", "b", "c", "d"],
    ),
    "a long name": lambda: (fan([0.1, 0.9], ["a" * 30, "b"]), ["a" * 30, "b"]),
    "an end that comes early": lambda: (
        figures.curves({"a": [1.0, 2, 3], "b": [1.0, np.nan, np.nan]}),
        ["a", "b"],
    ),
    "no point at all": lambda: (
        figures.curves({"a": [1.0, 2, 3], "b": [np.nan] * 3}),
        ["a", "b"],
    ),
    "steps": lambda: (figures.weights({"a": X, "b": X**2}), ["a", "b"]),
    "dots": lambda: (
        figures.outcomes([1, 2], [1, 2], [True, False], xlabel="x", ylabel="y", names=("a", "b")),
        ["a", "b"],
    ),
    "a name wider than a third of a narrow panel": lambda: (
        figures.depth({"relu, he_normal": RELU}),
        ["relu, he_normal"],
    ),
}


@pytest.mark.parametrize("drawn", LEGENDS.values(), ids=LEGENDS)
def test_the_legend_stays_where_names_beside_the_lines_cannot_be_read(drawn):
    figure, names = drawn()
    assert not beside(figure, names)
    assert len({y for _, y, _ in written(figure, names).values()}) <= 2


@pytest.mark.parametrize(
    ("short", "name"), [(True, "a" * 19), (False, "a" * 22)], ids=["fits", "too wide"]
)
def test_a_name_may_take_a_third_of_the_width(short, name):
    assert beside(fan([0.1, 0.9], [name, "b"]), [name, "b"]) is short


def test_dots_with_a_line_between_them_are_a_line_and_dots_alone_are_not():
    for mark, named in [("o-", True), ("o", False)]:
        with canvas() as drawn:
            drawn.add_subplot().plot(X, X, mark, color=COLOURS[0], label="a")
            name_lines(drawn)
            assert beside(render(drawn, "alt", "caption"), ["a"]) is named


def tight(ends, height=2.7):
    """Straight lines on an axis that has no margin."""
    with canvas(height) as drawn:
        axes = drawn.add_subplot()
        for k, end in enumerate(ends):
            axes.plot(X, end * X, label=f"line {k}", **style(k))
        axes.set(ylim=(0, 1))
        name_lines(drawn)
        return render(drawn, "alt", "caption"), [f"line {k}" for k in range(len(ends))]


@pytest.mark.parametrize("ends", [[0.0, 0.0], [1.0, 1.0]], ids=["lower", "upper"])
def test_names_at_an_edge_are_moved_inside(ends):
    figure, names = tight(ends)
    assert beside(figure, names)
    axis = re.search(r'<rect x="[^"]*" y="([\d.]+)" width="[^"]*" height="([\d.]+)"', figure.svg)
    top, height = map(float, axis.groups())
    heights = [y for _, y, _ in written(figure, names).values()]
    # A letter has 8 above its base and 3 below it.
    assert top <= min(heights) - 8 and max(heights) + 3 <= top + height + 1


@pytest.mark.parametrize(
    ("ends", "height", "names_fit"),
    [
        ([0.0, 0.03, 0.06, 0.09, 0.12], 2.7, False),  # the uppermost one would be too far away
        ([0.0, 0.03, 0.06], 2.7, True),
        (np.linspace(0, 1, 6), 1.2, False),  # there is no room for six
        (np.linspace(0, 1, 4), 1.2, True),
    ],
)
def test_the_legend_stays_where_names_would_be_far_from_their_lines(ends, height, names_fit):
    figure, names = tight(ends, height)
    assert beside(figure, names) is names_fit


@pytest.mark.parametrize("spread", [0, 1], ids=["left", "right"])
def test_of_several_panels_the_one_is_taken_where_the_ends_lie_furthest_apart(spread):
    with canvas() as drawn:
        for panel in range(2):
            axes = drawn.add_subplot(1, 2, panel + 1)
            for k, name in enumerate("abc"):
                far = k if panel == spread else 0.12 * k
                axes.plot(X, far * X, label=name, **style(k))
            axes.set(ylim=(-1, 3))
        name_lines(drawn)
        figure = render(drawn, "alt", "caption")
    assert leaders(figure) == [] and beside(figure, "abc")
    assert all((x > 300) == bool(spread) for x, *_ in written(figure, "abc").values())


def test_the_name_of_an_axis_that_is_longer_than_the_axis_is_moved_down():
    name = "largest curvature times rate / 2"
    long = figures.curves({"a": [0.1, 0.2], "b": [0.1, 0.5]}, ylabel=name)
    assert beside(long, "ab")
    (label,) = [text for text in parts(long, "}text") if text.text == name]
    with canvas() as drawn:
        half = drawn.text(0, 0, name).get_window_extent().width * 72 / drawn.dpi / 2
    assert half < float(label.get("y")) < 194.4 - half  # of a figure of that height
    short = figures.curves({"a": [0.1, 0.2], "b": [0.1, 0.5]}, ylabel="loss")
    (label,) = [text for text in parts(short, "}text") if text.text == "loss"]
    axis = re.search(r'<rect x="[^"]*" y="([\d.]+)" width="[^"]*" height="([\d.]+)"', short.svg)
    top, height = map(float, axis.groups())
    assert float(label.get("y")) == pytest.approx(top + height / 2, abs=0.5)


def test_a_panel_without_all_lines_is_not_where_they_are_named():
    with canvas() as drawn:
        for shown in ([0, 1], [0], []):
            axes = drawn.add_subplot(1, 3, len(drawn.axes) + 1)
            for k in shown:
                axes.plot(X, 0.5 + 0.02 * k * X, label="ab"[k], **style(k))
            axes.set(ylim=(0, 1))
        name_lines(drawn)
        figure = render(drawn, "alt", "caption")
    assert len(leaders(figure)) == 2 and beside(figure, "ab")
    assert all(x < 200 for x, *_ in written(figure, "ab").values())


def test_one_network_through_depth_keeps_its_short_name_beside_a_line():
    figure = figures.depth({"zeros": through_depth("relu", "zeros", 8, 16, n=32)})
    # All of it is 0, which a log scale has no place for: nothing ends anywhere.
    assert not beside(figure, ["zeros"])
    assert beside(figures.depth({"relu": RELU}), ["relu"])


@pytest.mark.parametrize(
    ("ends", "share"), [([0.1, 0.6], 1.0), ([0.1, 0.4, 0.6], 1.0), ([0.5, 0.53, 0.56], 1.02)]
)
def test_names_beside_the_lines_weigh_no_more_than_a_legend(monkeypatch, ends, share):
    def drawn():
        with canvas() as figure:
            axes = figure.add_subplot()
            for k, end in enumerate(ends):
                axes.plot(X, end * X, label=f"line {k}", **style(k))
            # An axis that is higher, for want of a legend, would have twice the ticks.
            axes.set(ylim=(0, 0.7))
            name_lines(figure)
            return render(figure, "alt", "caption")

    names = [f"line {k}" for k in range(len(ends))]
    direct = drawn()
    monkeypatch.setattr("livegrad.figures._names._panels", lambda *_: [])
    assert beside(direct, names) and not beside(drawn(), names)
    assert len(direct.svg) <= share * len(drawn().svg)


@pytest.mark.parametrize(
    ("heights", "moved"),
    [
        ([50], [50]),
        ([50, 52, 90], [46, 56, 90]),
        ([52, 50, 90], [56, 46, 90]),  # the order is kept, whatever order they come in
        ([20, 30, 40], [20, 30, 40]),  # just far enough
        ([50, 50, 50], [60, 50, 40]),  # of equals the first one is above
        ([0, 1], [0, 10]),  # the lower bound
        ([99, 100], [90, 100]),  # the upper bound
        ([-40, 140], [0, 100]),
        ([40, 49, 50, 59], [34.5, 44.5, 54.5, 64.5]),  # two pairs push each other on
    ],
)
def test_heights_are_moved_apart_as_little_as_they_must(heights, moved):
    np.testing.assert_allclose(apart(np.array(heights, float), 10, 0, 100), moved)


def test_no_other_heights_are_nearer():
    """Against SciPy's solver, which knows nothing of blocks."""
    optimize = pytest.importorskip("scipy.optimize")
    rng = np.random.default_rng(0)
    for _ in range(20):
        wishes = np.sort(rng.uniform(-10, 110, 5))
        found = apart(wishes, 10, 0, 100)
        best = optimize.minimize(
            lambda at, wishes=wishes: np.sum((at - wishes) ** 2),
            np.linspace(10, 90, 5),
            bounds=[(0, 100)] * 5,
            constraints={"type": "ineq", "fun": lambda at: np.diff(at) - 10},
        )
        assert (np.diff(found) >= 10 - 1e-9).all() and found.min() >= 0 and found.max() <= 100
        assert np.sum((found - wishes) ** 2) == pytest.approx(best.fun, rel=1e-5, abs=1e-5)
