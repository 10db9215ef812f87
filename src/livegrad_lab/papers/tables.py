"""The papers' results as tables: theirs beside ours, and where each number was looked up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from livegrad_lab.papers.records import RECORDS
from livegrad_lab.reproduction import Outcome, Reproduction, check, label
from livegrad_lab.sweep import sweep

__all__ = ["checked", "sources", "table"]


def table(records: Sequence[Reproduction], *, link: bool = False, n_jobs: int = 1) -> str:
    """Run the records and return their table in Markdown, labels as earned.

    The runs go through ``livegrad_lab.sweep``, which keeps results where its text says.

    Args:
        records: the records.
        link: whether a row leads to its page.
        n_jobs: processes, all cores for -1.

    Raises:
        ValueError: if a record claims a label that it does not earn.
    """
    settings = [{"key": record.key} for record in records if record.run]
    found = iter(sweep(checked, settings, n_jobs=n_jobs))
    rows = [
        "| where | what | theirs | ours | must lie | label |",
        "|---|---|---|---|---|---|",
    ]
    for record in records:
        ours = next(found) if record.run else None
        where = f"[{record.where}]({record.page}.md)" if link else record.where
        theirs = record.theirs if isinstance(record.theirs, str) else f"{record.theirs:.5g}"
        rows.append(
            f"| {_cited(record.paper)}, {where} | {record.what} | {theirs} | "
            f"{record.shown(ours)} | {record.demand} | {label(record, ours)} |"
        )
    return "\n".join(rows)


def sources(records: Sequence[Reproduction]) -> str:
    """Return a table in Markdown of where the papers' numbers were looked up.

    Args:
        records: the records.
    """
    places: dict[str, list[str]] = {}
    for record in records:
        places.setdefault(record.checked, []).append(f"{_cited(record.paper)}, {record.where}")
    rows = ["| looked up in | results |", "|---|---|"]
    return "\n".join(
        [*rows, *(f"| {place} | {'; '.join(dict.fromkeys(of))} |" for place, of in places.items())]
    )


@cache
def checked(key: str) -> Outcome | None:
    """Check the record of that name: what a worker is sent is the name alone."""
    return check(next(record for record in RECORDS if record.key == key))


def _cited(paper: str) -> str:
    author, _, year = paper.rpartition("-")
    name = {"lecun": "LeCun"}.get(author, author.capitalize())
    return f"[{name} {year}](../../reference/papers.md#{paper})"
