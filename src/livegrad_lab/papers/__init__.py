"""Results of papers, computed anew at a size for two cores, one theme a module.

``RECORDS`` holds each with the paper's number, ours and the tolerance between them; ``table`` runs
them and shows what they earned.
"""

from __future__ import annotations

from livegrad_lab.papers.records import RECORDS, of_page
from livegrad_lab.papers.tables import sources, table

__all__ = ["RECORDS", "of_page", "sources", "table"]
