"""The doctor on trial: models that are well, models with one planted fault, and what it finds.

Each case builds a small model with its data. A fault is built twice, as it is and mended by the
line that the doctor suggests, and trained both ways. ``run_case`` runs one, for ``sweep``. The
modules are ordered like the factors of the chain rule; each adds its cases to ``CASES``.
"""

from __future__ import annotations

# ruff: isort: off
from livegrad_lab.faults import healthy as healthy
from livegrad_lab.faults import gradients as gradients
from livegrad_lab.faults import activations as activations
from livegrad_lab.faults import initializers as initializers
from livegrad_lab.faults import dropout as dropout
from livegrad_lab.faults import shortcuts as shortcuts
from livegrad_lab.faults import outputs as outputs
from livegrad_lab.faults import inputs as inputs
from livegrad_lab.faults import step as step
from livegrad_lab.faults import frameworks as frameworks

# ruff: isort: on
from livegrad_lab.faults.case import CASES, Case, Patient, run_case

__all__ = ["CASES", "Case", "Patient", "run_case"]
