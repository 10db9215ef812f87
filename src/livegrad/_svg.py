"""How a figure becomes SVG: one style, legible in light and dark, the same bytes each time."""

from __future__ import annotations

import html
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.figure import Figure as Canvas

# A role's colour on a white page and on a dark one: Okabe and Ito's set, safe for the colour-blind,
# each darkened or lightened until it has a contrast of at least 3 to its page.
PALETTE: dict[str, tuple[str, str]] = {
    "c1": ("#0072b2", "#5ab4f0"),  # the activation
    "c2": ("#c8500a", "#ff9a5c"),  # the weights
    "c3": ("#00805e", "#35d0a2"),  # the mask
    "c4": ("#a83a86", "#f092cf"),  # the head
    "c5": ("#8a6d00", "#e8cc4d"),
    "c6": ("#5c6470", "#aab4c3"),
}
COLOURS = [light for light, _ in PALETTE.values()]
DASHES: list[Any] = ["-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (7, 2, 1.5, 2)), (0, (3, 1)), "-"]
MARKERS = ["o", "s", "^", "D", "v", "X"]

_INK = "#010203"
_STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "livegrad",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 12,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.labelsize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.grid": True,
    "grid.color": _INK,
    "grid.alpha": 0.12,
    "grid.linewidth": 0.7,
    "lines.linewidth": 2.0,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.fontsize": 11,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
}


@dataclass(frozen=True)
class Figure:
    """A drawn figure: SVG that follows the page's colours, a text alternative and a caption."""

    svg: str
    alt: str
    caption: str

    def save(self, path: str | Path) -> None:
        """Write the SVG to a file."""
        Path(path).write_text(self.svg, encoding="utf-8")

    def _repr_html_(self) -> str:
        caption = html.escape(self.caption)
        return f'<figure class="lg-figure">{self.svg}<figcaption>{caption}</figcaption></figure>'

    def __repr__(self) -> str:
        return f"Figure({self.caption!r})"


def palette_css() -> str:
    """Return the palette as CSS variables, for the light page and for the dark one."""
    light = "".join(f"  --lg-{role}: {pair[0]};\n" for role, pair in PALETTE.items())
    dark = "".join(f"  --lg-{role}: {pair[1]};\n" for role, pair in PALETTE.items())
    return f":root {{\n{light}}}\n\n[data-md-color-scheme=slate] {{\n{dark}}}\n"


@contextmanager
def canvas(width: float = 7.2, height: float = 3.2) -> Iterator[Canvas]:
    """Yield an empty Matplotlib figure in the site's style; nothing global changes."""
    with rc_context(_STYLE):
        yield Canvas(figsize=(width, height), layout="constrained")


def render(drawn: Canvas, alt: str, caption: str) -> Figure:
    """Return the drawing as a ``Figure``; must be called inside ``canvas``."""
    stream = io.StringIO()
    drawn.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return Figure(_cleaned(stream.getvalue(), alt), alt, caption)


def _cleaned(svg: str, alt: str) -> str:
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    used = set(re.findall(r'(?:url\(#|href="#)([^")]+)', svg))
    svg = re.sub(r' id="([^"]+)"', lambda m: m[0] if m[1] in used else "", svg)
    # Two figures of one page must not share an identifier.
    salt = f"{zlib.crc32(svg.encode()):08x}"
    for name in sorted(used, key=len, reverse=True):
        svg = re.sub(rf"(id=\"|#){re.escape(name)}\b", rf"\g<1>{name}-{salt}", svg)
    svg = svg.replace(_INK, "currentColor")
    for role, (light, _) in PALETTE.items():
        svg = svg.replace(light, f"var(--lg-{role}, {light})")
    svg = re.sub(r"\d+\.\d{3,}", lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), svg)
    svg = re.sub(r'font: ([\d.]+)px [^;"]*', r"font: \1px system-ui, sans-serif", svg)
    size = re.search(r'viewBox="([^"]+)"', svg)
    box = size[1] if size else "0 0 1 1"
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{box}" role="img" aria-label="{html.escape(alt)}">'
    )
    svg = re.sub(r"<svg[^>]*>", lambda _: opening, svg, count=1)
    return re.sub(r"\s*\n\s*", "\n", svg).strip()
