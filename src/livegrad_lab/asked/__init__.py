"""What the panels are asked: one record a claim about trained networks, and its answer.

``ask(code)`` answers one claim in all settings of its panel; print the answer for a report.
"""

from livegrad_lab.asked.answers import Answer, ask, curves, decided, overview, table
from livegrad_lab.asked.records import ASKED, PRACTICES, Asked, find

__all__ = [
    "ASKED",
    "PRACTICES",
    "Answer",
    "Asked",
    "ask",
    "curves",
    "decided",
    "find",
    "overview",
    "table",
]
