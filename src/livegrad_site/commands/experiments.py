"""Run the experiments whose results are kept in the repository, and keep what they give now.

``nox -s experiments`` runs all of them from nothing; ``--changed`` those alone whose record is not
of the code as it is. What differs from the record before is counted, for a person to look at.
"""

from __future__ import annotations

import argparse
import datetime
from pathlib import Path

from livegrad_lab import catalogue, closure, kept
from livegrad_site.run import cache


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--changed", action="store_true", help="only what the code has outrun")
    given = parser.parse_args()
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    for function in catalogue.EXPERIMENTS:
        path = kept.path_of(function, cache.RECORDS)
        before = _before(path)
        if given.changed and before and before.code == closure.of(function):
            continue
        with catalogue.nothing_but_taken(function, cache.RECORDS):
            record = catalogue.compute(function, today)
        kept.write(path, record)
        said = f"{path.stem}: {len(record.runs)} runs in {record.seconds:.0f} s of one core"
        if before:
            others = sum(before.runs.get(name) != found for name, found in record.runs.items())
            said += f", {others} differ from the record before"
        print(said, flush=True)


def _before(path: Path) -> kept.Record | None:
    try:
        return kept.read(path)
    except (OSError, ValueError, TypeError):  # there is none, or it is not as it was written
        return None


if __name__ == "__main__":
    main()
