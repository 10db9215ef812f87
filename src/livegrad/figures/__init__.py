"""The site's figures, drawn from what was measured; every text alternative is computed too.

Each function returns a ``Figure``: it shows itself in a notebook, and ``save`` writes the SVG.
Each takes ``alt`` and ``caption``, to be given where the page knows better words.
"""

from __future__ import annotations

from livegrad._svg import PALETTE, Figure, palette_css
from livegrad.figures._functions import activations, chain_rule, decision_boundary
from livegrad.figures._layers import depth, dropout_masks, layer_histograms, weights
from livegrad.figures._products import products
from livegrad.figures._results import bars, curves, heatmap, lines, outcomes, seeds
from livegrad.figures._verdicts import forest, verdicts

__all__ = [
    "PALETTE",
    "Figure",
    "activations",
    "bars",
    "chain_rule",
    "curves",
    "decision_boundary",
    "depth",
    "dropout_masks",
    "forest",
    "heatmap",
    "layer_histograms",
    "lines",
    "outcomes",
    "palette_css",
    "products",
    "seeds",
    "verdicts",
    "weights",
]
