"""How a figure becomes SVG: one style, legible in light and dark, the same bytes each time.

The drawing is made of few colours, each with a role. After Matplotlib has written it, the ink
becomes ``currentColor``, the first series ``var(--lg-c1, ...)``, and what is a factor of the chain
rule ``var(--lg-act, ...)``, so the page decides what they look like; ``palette_css`` gives it the
values. A page may let its series begin with another colour; a factor keeps its own.
"""

from __future__ import annotations

import html
import io
import math
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib import rc_context, rcdefaults, rcParams
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure as Canvas
from matplotlib.path import Path as Outline
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from livegrad._checks import Array

__all__ = [
    "COLOURS",
    "FACTORS",
    "INK",
    "PALETTE",
    "WIDTH",
    "Figure",
    "canvas",
    "colour",
    "counted",
    "crosses",
    "drawable",
    "legend",
    "log_scale",
    "marked",
    "palette_css",
    "render",
    "square",
    "style",
    "ticks",
]

PALETTE: dict[str, tuple[str, str]] = {
    "c1": ("#0072b2", "#5ab4f0"),  # the activation
    "c2": ("#c04a00", "#ff9a5c"),  # the weights
    "c3": ("#007a59", "#35d0a2"),  # the mask
    "c4": ("#a83a86", "#f092cf"),  # the head
    "c5": ("#806600", "#e8cc4d"),
    "c6": ("#5c6470", "#aab4c3"),
}
"""A role's colour on a white page and on a dark one.

Okabe and Ito's set, safe for the colour-blind, each darkened or lightened until text in it can be
read on its page: a contrast of at least 4.5.
"""
COLOURS = [light for light, _ in PALETTE.values()]
# Colour is never the only difference between two lines.
DASHES: list[Any] = ["-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (7, 2, 1.5, 2)), (0, (3, 1)), "-"]
MARKERS = ["o", "s", "^", "D", "v", "X"]

# A figure is narrow, so that its text is legible on a phone, and a page may enlarge it this much.
WIDTH = 6.0
_ENLARGED = 1.4
_DARK_PAGE, _DARK_INK = "#14161f", "#e6e6e6"
# Colours nobody chooses: what is drawn in them is replaced in the SVG.
INK = "#010203"
FACTORS = {"act": "#010204", "wt": "#010205", "msk": "#010206", "hd": "#010207"}
_ROLES = dict(zip(FACTORS, PALETTE, strict=False))
# Matplotlib cannot place ticks beyond so many powers of ten.
_DECADES = 300
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "livegrad",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 11.5,
    "axes.titlesize": 11.5,
    "axes.titlelocation": "left",
    "axes.labelsize": 11.5,
    "axes.unicode_minus": True,
    "text.parse_math": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.which": "major",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "grid.color": INK,
    "grid.alpha": 0.12,
    "grid.linewidth": 0.7,
    "lines.linewidth": 2.0,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.fontsize": 11.5,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


@dataclass(frozen=True)
class Figure:
    """A drawn figure: SVG that follows the page's colours, a text alternative and a caption.

    Attributes:
        svg: the drawing, to be put into a page as it is.
        alt: what it shows, for those who do not see it.
        caption: the sentence below it.
    """

    svg: str
    alt: str
    caption: str

    def save(self, path: str | Path) -> None:
        """Write the SVG to a file, which by itself follows the reader's light or dark setting."""
        roles = {name: _ROLES.get(name, name) for name in [*PALETTE, *FACTORS]}
        used = {name: role for name, role in roles.items() if f"--lg-{name}," in self.svg}
        dark = "".join(f"--lg-{name}:{PALETTE[role][1]};" for name, role in used.items())
        style = (
            f"<style>@media(prefers-color-scheme:dark){{svg{{color:{_DARK_INK};{dark}}}}}</style>"
        )
        svg = re.sub(r"^<svg[^>]*>", lambda opening: opening[0] + style, self.svg) + "\n"
        Path(path).write_bytes(svg.encode())

    def _repr_html_(self) -> str:
        caption = html.escape(self.caption)
        return f'<figure class="lg-figure">{self.svg}<figcaption>{caption}</figcaption></figure>'

    def __repr__(self) -> str:
        return f"Figure({self.caption!r})"


def palette_css() -> str:
    """Return the palette as CSS variables, for the light page and for the dark one.

    Examples:
        >>> print(palette_css().splitlines()[1])
          --lg-c1: #0072b2;
    """
    light = "".join(f"  --lg-{role}: {pair[0]};\n" for role, pair in PALETTE.items())
    dark = "".join(f"  --lg-{role}: {pair[1]};\n" for role, pair in PALETTE.items())
    return f":root {{\n{light}}}\n\n[data-md-color-scheme=slate] {{\n{dark}}}\n"


@contextmanager
def canvas(height: float = 2.7, width: float = WIDTH) -> Iterator[Canvas]:
    """Yield an empty Matplotlib figure of that size in inches; nothing global changes.

    It looks the same whatever style the reader has set.
    """
    # What diverged may be huge; its mean is then infinite, which is said and not warned of.
    with rc_context(), np.errstate(over="ignore", invalid="ignore"):
        rcdefaults()
        rcParams.update(_STYLE)
        yield Canvas(figsize=(width, height), layout="constrained")


def render(drawn: Canvas, alt: str, caption: str) -> Figure:
    """Return the drawing as a ``Figure``; must be called inside ``canvas``."""
    stream = io.StringIO()
    drawn.savefig(stream, format="svg")
    return Figure(_cleaned(stream.getvalue(), alt), alt, caption)


def colour(at: int) -> str:
    """Return the colour of the series of that number, from 0."""
    return COLOURS[at % len(COLOURS)]


def style(at: int) -> dict[str, Any]:
    """Return the look of its line."""
    return {"color": colour(at), "linestyle": DASHES[at % len(DASHES)]}


def marked(at: int, points: int) -> dict[str, Any]:
    """Return a line's look with markers, about a dozen of them however many points it has."""
    marker = MARKERS[at % len(MARKERS)]
    return {**style(at), "marker": marker, "markevery": max(1, points // 12)}


def square(column: float, row: float, width: float = 0.8, height: float = 0.8) -> Outline:
    """Return the outline of a cell with that centre."""
    left, top = column - width / 2, row - height / 2
    right, bottom = column + width / 2, row + height / 2
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    return Outline(corners, closed=True)


def drawable(values: Array, *, log: bool) -> Array:
    """Return the values, NaN in place of those that an axis has no place for."""
    beyond = 10.0**_DECADES
    fits = (values > 1 / beyond) & (values < beyond) if log else np.abs(values) < beyond
    return np.where(fits, values, np.nan)


def ticks(axis: Axis, most: int, *, whole: bool = False) -> None:
    """Set at most so many ticks, at round numbers."""
    axis.set_major_locator(
        MaxNLocator(nbins=most, steps=[1, 2, 2.5, 5, 10], integer=whole, min_n_ticks=1)
    )


def counted(axes: Axes, count: int) -> None:
    """Let x count from 1, and show no 0, which nothing has as its number."""
    margin = min(max(0.03 * (count - 1), 0.2), 0.9)
    axes.set_xlim(1 - margin, count + margin)
    ticks(axes.xaxis, 6, whole=True)


def crosses(axes: Axes, at: Array, edge: float, colour: str) -> None:
    """Mark positions at the lower (0) or upper (1) edge, for values that have no place inside."""
    place = axes.get_xaxis_transform()  # type: ignore[no-untyped-call,unused-ignore]
    axes.plot(at, np.full(len(at), edge), "x", color=colour, transform=place, clip_on=False)


def log_scale(axes: Axes, name: Literal["x", "y"], values: Array) -> None:
    """Make that axis logarithmic, with at least two ticks, over the positive finite values."""
    axis = axes.xaxis if name == "x" else axes.yaxis
    axes.set(**{f"{name}scale": "log"})
    shown = values[~np.isnan(drawable(values, log=True))]
    low, high = (np.log10([shown.min(), shown.max()])) if shown.size else (-1.0, 0.0)
    if high - low < 1.5:
        low, high = np.floor(low + 1e-9), np.ceil(high - 1e-9)
        high = max(high, low + 1)
    else:
        margin = 0.05 * (high - low)
        low, high = max(low - margin, -_DECADES - 5), min(high + margin, _DECADES + 5)
    axes.set(**{f"{name}lim": (10.0**low, 10.0**high)})
    plain = low > -3.5 and high < 3.5
    # Every so many powers of ten, counted from 1; with 2 and 5 between them if they are few.
    step = max(1, math.ceil((high - low) / 6))
    powers = [at for at in range(math.floor(low), math.ceil(high) + 1) if at % step == 0]
    factors = [1, 2, 5] if plain and high - low < 2.5 else [1]
    places = [factor * 10.0**power for power in powers for factor in factors]
    edge = 1 + 1e-9
    inside = [at for at in places if 10.0**low / edge <= at <= 10.0**high * edge]
    axis.set_major_locator(FixedLocator(inside))
    axis.set_minor_locator(NullLocator())

    def written(value: float, _: int | None) -> str:
        power = round(float(np.log10(value)))
        return f"{value:g}" if plain or power == 0 else f"10{str(power).translate(_SUPERSCRIPTS)}"

    axis.set_major_formatter(FuncFormatter(written))


def legend(drawn: Canvas) -> None:
    """Put one legend above all panels, where it hides nothing."""
    handles, labels = drawn.axes[0].get_legend_handles_labels()
    shown = [(h, t) for h, t in zip(handles, labels, strict=True) if t]
    if not shown:
        return
    # About 66 letters fit into a row of the usual width; a sample of the line takes seven.
    room = 66 * drawn.get_figwidth() / WIDTH
    widths = [len(text) + 7 for _, text in shown]

    def needed(columns: int) -> int:
        # As Matplotlib fills them: column by column, the first ones longer by one.
        return sum(max(column) for column in np.array_split(widths, columns))

    fitting = [columns for columns in range(1, len(shown) + 1) if needed(columns) <= room]
    drawn.legend(
        [h for h, _ in shown],
        [t for _, t in shown],
        loc="outside upper left",
        ncols=max(fitting, default=1),
        handlelength=2.4,
        columnspacing=1.4,
        labelspacing=0.25,
        borderpad=0.1,
        handletextpad=0.5,
    )


def _cleaned(svg: str, alt: str) -> str:
    """Return Matplotlib's SVG in the page's colours, and as small as it can be."""
    svg = svg[svg.index("<svg") :]
    # A style sheet inside of an inline SVG would hold for the whole page.
    for noise in [r"<!--.*?-->", r"<metadata>.*?</metadata>", r"<style.*?</style>"]:
        svg = re.sub(noise, "", svg, flags=re.DOTALL)
    svg = re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><")
    svg = re.sub(r'<path d="[^"]*" style="fill: none"/>', "", svg)  # empty backgrounds
    svg = re.sub(r"<path(?![^>]* d=)[^>]*/>", "", svg)  # lines of NaN alone
    svg = re.sub(r' transform="rotate\(-0 [^"]*\)"', "", svg)
    svg = re.sub(r' (d|x|y|width|height)="([^"]*)"', _rounded, svg)
    svg = re.sub(r'style="[^"]*"', _shortened, svg)
    # Many marks of one style: say it once.
    svg = re.sub(r'(?:<use [^>]* (style="[^"]*")/>)(?:<use [^>]* \1/>)+', _shared, svg)
    svg = _flattened(_identified(svg)).replace("<defs></defs>", "")

    svg = svg.replace(INK, "currentColor")
    for role, (light, _) in PALETTE.items():
        svg = svg.replace(light, f"var(--lg-{role},{light})")
    for factor, drawn in FACTORS.items():
        svg = svg.replace(drawn, f"var(--lg-{factor},{PALETTE[_ROLES[factor]][0]})")
    size = re.search(r'viewBox="([^"]+)"', svg)
    box = size[1] if size else "0 0 1 1"
    widest = round(float(box.split()[2]) * _ENLARGED)
    # A plain href on <use> makes MkDocs Material's instant navigation fail: it sets the property.
    link = ' xmlns:xlink="http://www.w3.org/1999/xlink"' if "xlink:href" in svg else ""
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg"{link} viewBox="{box}" role="img" '
        f'aria-label="{html.escape(alt)}" style="max-width:{widest}px;'
        f'font-family:system-ui,sans-serif;stroke-linejoin:round">'
    )
    return re.sub(r"<svg[^>]*>", lambda _: opening, svg, count=1).strip()


def _rounded(attribute: re.Match[str]) -> str:
    """Round coordinates, and nothing but them: the text holds numbers too."""
    name, value = attribute[1], attribute[2]
    value = re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]):.1f}".removesuffix(".0"), value)
    if name == "d":
        value = re.sub(r"\s*([A-Za-z])\s*", r"\1", value)
        # A thousand marks of one length say the same word, which compresses to nothing.
        value = re.sub(r"(?<=M)([\d.-]+) ([\d.-]+)L\1 ([\d.-]+)", _upright, value)
    return f' {name}="{value}"'


def _upright(stroke: re.Match[str]) -> str:
    return f"{stroke[1]} {stroke[2]}v{float(stroke[3]) - float(stroke[2]):.1f}".removesuffix(".0")


def _shortened(attribute: re.Match[str]) -> str:
    style = re.sub(r"font-family:[^;\"]*(; )?", "", attribute[0])  # the page's own
    style = re.sub(r"\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}", style)
    return style.replace("; ", ";").replace(": ", ":")


def _shared(run: re.Match[str]) -> str:
    return f"<g {run[1]}>{run[0].replace(' ' + run[1], '')}</g>"


def _flattened(svg: str) -> str:
    """Drop the groups that are empty or say nothing of what is in them: a tick alone has four."""
    ends: list[str] = []

    def kept(tag: re.Match[str]) -> str:
        if tag[0] == "</g>":
            return ends.pop()
        if tag[0].endswith("/>"):
            return ""
        ends.append("</g>" if tag[1] else "")
        return tag[0] if tag[1] else ""

    return re.sub(r"<g( [^>]*)?/?>|</g>", kept, svg)


def _identified(svg: str) -> str:
    """Drop the identifiers nobody refers to; two figures of one page must not share the others."""
    used = dict.fromkeys(re.findall(r'(?:url\(#|href="#)([^")]+)', svg))
    order = {name: str(at) for at, name in enumerate(used)}
    svg = re.sub(r' id="([^"]+)"', lambda m: f' id="{order[m[1]]}"' if m[1] in order else "", svg)
    svg = re.sub(r'(url\(#|href="#)([^")]+)', lambda m: m[1] + order[m[2]], svg)
    # Of what is seen alone: Matplotlib's own identifiers depend on digits that were rounded away.
    salt = f"lg{zlib.crc32(svg.encode()):08x}"
    return re.sub(r'( id="|url\(#|href="#)(\d+)', rf"\g<1>{salt}-\2", svg)
