"""``python -m livegrad check FILE``: grade a file against the checks of its problems."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NoReturn

from livegrad_lab.problems._file import NotNamedError, answers, of_cells
from livegrad_lab.problems._grade import SECONDS, Told, grade
from livegrad_lab.problems._registry import PROBLEMS

__all__ = ["check_cells", "main"]

SOLVED, NOT_SOLVED, FAILED = 0, 1, 2


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(FAILED, f"livegrad: {message}; --help says more\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 all solved, 1 not all, 2 it could not run.

    Args:
        arguments: those after ``check``; those of the process without them.
    """
    parser = _Parser(
        prog="python -m livegrad check",
        description="Grade a file against the checks of the problems that it names. The file runs "
        "in a process of its own, which is no sandbox, and nothing is sent anywhere.",
    )
    parser.add_argument(
        "file",
        type=Path,
        help="a .py file or an .ipynb notebook; the line '# problem: NAME' begins each answer",
    )
    parser.add_argument("--problem", metavar="NAME", help="the one problem to check")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=SECONDS,
        metavar="N",
        help=f"what each answer may take, {SECONDS:g} without it",
    )
    given = parser.parse_args(sys.argv[2:] if arguments is None else arguments)
    try:
        found = answers(given.file, PROBLEMS, given.problem)
    except NotNamedError as error:
        print(f"livegrad: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        print(f"livegrad: {given.file}: {error.strerror}", file=sys.stderr)
        return FAILED
    told = [
        grade(PROBLEMS[name], code, str(given.file), given.seconds) for name, code in found.items()
    ]
    if given.json:
        print(json.dumps([one.to_dict() for one in told], indent=2))
    else:
        print(_said(told))
    return SOLVED if all(one.solved for one in told) else NOT_SOLVED


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return value


def _said(told: Sequence[Told]) -> str:
    lines = [str(one) for one in told]
    if not all(one.limited for one in told):
        lines.append("memory was not limited: this system does not do that")
    if len(told) > 1:
        lines.append(f"{sum(one.solved for one in told)} of {len(told)} solved")
    return "\n".join(lines)


def check_cells(cells: Iterable[str]) -> None:
    """Check the answers in a notebook's cells, and print a line a problem.

    Args:
        cells: what was run, IPython's ``In``. The latest cell of each problem counts. Each runs
            by itself, in a process of its own.

    Raises:
        ValueError: if a cell names a problem that there is not.
    """
    found = of_cells(cells)
    strange = [name for name in found if name not in PROBLEMS]
    if strange:
        raise NotNamedError(f"no problem {strange[0]!r}; known: {', '.join(PROBLEMS)}")
    print(_said([grade(PROBLEMS[name], code, name) for name, code in found.items()]))
