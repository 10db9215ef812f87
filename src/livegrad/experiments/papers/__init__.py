"""Results of papers, computed anew at a size for two cores, one theme a module.

``RECORDS`` holds each with the paper's number, ours and the tolerance between them.
"""

from __future__ import annotations

from livegrad.experiments.papers.records import RECORDS, of_page

__all__ = ["RECORDS", "of_page"]
