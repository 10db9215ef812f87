"""The doctor meets the world: models of others, faulty and healthy, that it was not written with.

Each is rebuilt small and in words of its own from a public report, a published set of faulty
programs or a published example.
"""

from __future__ import annotations

from livegrad_lab.world import published as published
from livegrad_lab.world import questions as questions
from livegrad_lab.world import working as working
from livegrad_lab.world.case import EXAMPLES, KINDS, Example
from livegrad_lab.world.score import each, kinds, named, run_example, shares, table, wilson

__all__ = [
    "EXAMPLES",
    "KINDS",
    "Example",
    "each",
    "kinds",
    "named",
    "run_example",
    "shares",
    "table",
    "wilson",
]
