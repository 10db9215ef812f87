"""All of it, measured: claims on trial, papers reproduced, and the sweep that runs them.

``sweep`` runs an experiment over settings and seeds, on all cores or on a cluster.
"""

from __future__ import annotations

from livegrad_lab.sweep import sweep

__all__ = ["sweep"]
