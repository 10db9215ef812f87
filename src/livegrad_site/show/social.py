"""Draw the picture that stands for the site where its address is shared."""

from __future__ import annotations

import io
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from livegrad_site.run import cache

PATH = "assets/social.png"
WIDTH, HEIGHT = 1200, 630
ALT = (
    "Livegrad: why deep networks train, or fail to train. The chain rule in colour, and the "
    "gradient's size layer by layer in two networks: with sigmoid it falls to nothing, with ReLU "
    "and He's weights it stays."
)
_PAGE, _INK, _QUIET = "#141d31", "#f3f5fa", "#aab4c8"


def picture() -> bytes:
    """Return the picture as PNG."""
    import numpy as np
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    from livegrad.figures import PALETTE
    from livegrad.signals import through_depth

    dark = {role: colours[1] for role, colours in PALETTE.items()}
    layers = 10
    networks = {
        "ReLU, He": (through_depth("relu", "he_normal", layers), dark["c3"]),
        "sigmoid, Glorot": (through_depth("sigmoid", "glorot_uniform", layers), dark["c1"]),
    }
    formula = [
        (r"$\frac{\partial L}{\partial W_1} \;=\;$", _INK),
        (r"$x^T$", _INK),
        ("$(p - y)$", dark["c4"]),
        (r"$\;\prod_{l=L}^{1}\,($", _INK),
        (r"$W_{l+1}^T$", dark["c2"]),
        (r"$\varphi'(z_l)$", dark["c1"]),
        (r"$m_l / k$", dark["c3"]),
        (r"$)$", _INK),
    ]
    style: Any = {"font.family": "DejaVu Sans", "mathtext.fontset": "dejavusans"}
    with rc_context(style):
        figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100, facecolor=_PAGE)
        canvas = FigureCanvasAgg(figure)
        figure.text(0.06, 0.83, "Livegrad", color=_INK, fontsize=56, fontweight="bold")
        figure.text(
            0.06, 0.735, "Why deep networks train, or fail to train", color=_QUIET, fontsize=27
        )
        left = 0.06 * WIDTH
        for text, colour in formula:
            piece = figure.text(
                left / WIDTH, 0.545, text, color=colour, fontsize=44, verticalalignment="baseline"
            )
            renderer: Any = canvas.get_renderer()  # type: ignore[no-untyped-call]
            left = piece.get_window_extent(renderer).x1 + 12
        axes = figure.add_axes((0.125, 0.135, 0.815, 0.27), facecolor=_PAGE)
        numbers = np.arange(1, layers + 1)
        for name, (report, colour) in networks.items():
            gains = [signal.gain for signal in report.layers[:layers]]
            sizes = np.cumprod(gains[::-1])[::-1]  # from the output down
            axes.plot(numbers, sizes, "o-", color=colour, linewidth=4, markersize=9)
            axes.annotate(
                name,
                (numbers[0], sizes[0]),
                (16, -6),
                textcoords="offset points",
                color=colour,
                fontsize=20,
                verticalalignment="top",
            )
        axes.set(yscale="log", xticks=[], xlim=(0.7, layers + 0.3))
        axes.margins(y=0.25)
        axes.tick_params(colors=_QUIET, labelsize=15, length=0, which="both")
        axes.minorticks_off()
        for side in axes.spines.values():
            side.set_visible(False)
        axes.grid(axis="y", color=_QUIET, alpha=0.15)
        figure.text(
            0.125,
            0.05,
            "what is left of the gradient, from the first hidden layer to the tenth",
            color=_QUIET,
            fontsize=17,
        )
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", metadata={"Software": None})
    return drawn.getvalue()


def publish(files: Files, config: MkDocsConfig) -> None:
    """Publish the picture."""
    content = cache.kept("social.png", picture)
    files.append(File.generated(config, PATH, content=content))
