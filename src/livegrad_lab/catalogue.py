"""The experiments whose results are kept in the repository, and how to run them again."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from livegrad_lab import (
    claims,
    clipping,
    closure,
    faults,
    followed,
    kept,
    panel,
    practices,
    retrained,
    trainability,
    watched,
    width,
    world,
)
from livegrad_lab.arithmetic import arithmetic
from livegrad_lab.papers import tables
from livegrad_lab.papers.records import RECORDS
from livegrad_lab.sweep import sweep, versions
from livegrad_lab.world.second import SECOND, run_second

__all__ = ["EXPERIMENTS", "compute", "drawn", "machine", "nothing_but_taken", "parts"]

EXPERIMENTS: Mapping[Callable[..., Any], Sequence[Mapping[str, Any]]] = {
    claims.seed_of: claims.settings(),
    clipping.run: [{"seed": seed} for seed in clipping.SEEDS],
    faults.run_case: [{"name": name} for name in faults.CASES],
    followed.run: followed.settings(),
    panel.run: panel.settings(),
    practices.run: practices.settings(),
    retrained.run: retrained.settings(),
    tables.checked: [{"key": record.key} for record in RECORDS if record.run],
    trainability.run: trainability.settings(),
    watched.run: watched.settings(),
    width.run: width.settings(),
    world.run_example: [{"name": name} for name in world.EXAMPLES],
    # PyTorch is not everywhere where records are read.
    run_second: [{"name": name} for name, case in SECOND.items() if not case.torch],
}
"""By function, the settings of all runs that the pages ask for."""

_TAKES: Mapping[Callable[..., Any], Sequence[Callable[..., Any]]] = {
    tables.checked: [retrained.run]  # whose networks the tables are of
}


@contextlib.contextmanager
def nothing_but_taken(function: Callable[..., Any], folder: Path) -> Iterator[None]:
    """Let an experiment find nothing computed before but the records of those it is built on.

    They stand before it in ``EXPERIMENTS``, and are experiments that run by themselves.

    Args:
        function: one of ``EXPERIMENTS``.
        folder: where records are kept.
    """
    names = ("LIVEGRAD_RECORDS", "LIVEGRAD_CACHE")
    before = {name: os.environ.get(name) for name in names}
    with tempfile.TemporaryDirectory() as lent:
        for other in _TAKES.get(function, ()):
            shutil.copy(kept.path_of(other, folder), lent)
        try:
            os.environ.update(LIVEGRAD_RECORDS=lent, LIVEGRAD_CACHE="")
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value


def compute(function: Callable[..., Any], on: str) -> kept.Record:
    """Run all settings of an experiment, and return its record.

    Whoever asks for it sees to it that nothing is taken from a record or a cache that should not
    be (``nothing_but_taken``).

    Args:
        function: one of ``EXPERIMENTS``.
        on: the day, as ``2026-01-31``.

    Raises:
        ValueError: if its code changes meanwhile.
    """
    settings = EXPERIMENTS[function]
    code = closure.of(function)
    found = sweep(timed, [{"name": kept.name_of(function), "setting": one} for one in settings])
    runs = {kept.setting(one): result for one, (result, _) in zip(settings, found, strict=True)}
    if closure.of(function) != code:
        raise ValueError(f"the code of {kept.name_of(function)} changed while it ran: run it again")
    seconds = round(sum(took for _, took in found), 1)
    return kept.Record(code, runs, on, seconds, machine())


def timed(name: str, setting: Mapping[str, Any]) -> tuple[Any, float]:
    """Run one setting of the experiment of that name; return the packed result and its seconds."""
    function = next(one for one in EXPERIMENTS if kept.name_of(one) == name)
    started = time.process_time()
    result = kept.packed(function(**setting))
    return result, time.process_time() - started


def parts(record: kept.Record) -> int:
    """Return in how many parts its runs are run again, one part a commit: ten, or of 20 seconds."""
    return max(10, math.ceil(record.seconds / 20))


def machine() -> tuple[str, ...]:
    """Return the versions and the arithmetic with which an experiment runs here."""
    return (*versions(), f"arithmetic {arithmetic()}")


def drawn(
    commit: str, parts: Callable[[Callable[..., Any]], int]
) -> list[tuple[Callable[..., Any], Mapping[str, Any]]]:
    """Return one part of the runs of each experiment, chosen by the commit.

    Args:
        commit: its name, hexadecimal digits.
        parts: of an experiment, how many parts there are.
    """
    return [
        (function, setting)
        for function, settings in EXPERIMENTS.items()
        for setting in settings[int(commit, 16) % parts(function) :: parts(function)]
    ]
