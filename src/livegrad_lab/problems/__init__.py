"""The problems of the sheets, a file a topic, and the checks that grade an answer.

``python -m livegrad check FILE`` grades a file; ``check_cells(In)`` does so in a notebook.
"""

from __future__ import annotations

from livegrad_lab.problems._command import check_cells
from livegrad_lab.problems._registry import PROBLEMS

__all__ = ["PROBLEMS", "check_cells"]
