"""Run one experiment over many settings and seeds: on all cores, resumed, or on a cluster.

The order of the results is the order of the settings, and their values do not depend on the number
of workers: each run gets its own seed in its setting, and one thread of linear algebra, since the
sum of many products depends on how many threads share it.

The place where runs are kept is the client's alone: workers need no common disk.
"""

from __future__ import annotations

import hashlib
import os
import platform
import sys
import traceback
import warnings
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from functools import cache as once
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Generic, TypeVar

from livegrad_lab import closure
from livegrad_lab import kept as records

__all__ = ["sweep", "versions"]

T = TypeVar("T")

_NOT = object()  # what no record holds
# A run of a few is over before a bar would help.
_MANY = 20
# What a result may depend on besides the code: not all need be installed.
_PACKAGES = ("numpy", "scipy", "scikit-learn", "keras", "tensorflow")


def sweep(
    function: Callable[..., T],
    settings: Iterable[Mapping[str, Any]],
    *,
    n_jobs: int = -1,
    cache: str | Path | None = None,
    progress: bool | None = None,
) -> list[T]:
    """Return ``function(**setting)`` for each setting, in order.

    Runs in processes through joblib: inside ``joblib.parallel_config("dask")`` on the cluster whose
    ``distributed.Client`` is open, and elsewhere on this machine.

    Args:
        function: the experiment; all that is random in it comes from its arguments.
        settings: keyword arguments of one run each, e.g. ``[{"seed": 0}, {"seed": 1}]``.
        n_jobs: processes, all cores for -1.
        cache: folder where results are kept as they arrive, so that an interrupted sweep resumes
            and a repeated one costs nothing; without it the environment's LIVEGRAD_CACHE, and
            without that nothing is kept. A result is found again by its content: the function's
            source, its setting, its file, what that imports of this distribution, and the versions
            it ran with. What the function calls elsewhere is not looked at. What stands in a
            record of the folder LIVEGRAD_RECORDS (see ``kept``) is not run at all.
        progress: show a bar; without a choice, on a terminal when the runs are many.

    Raises:
        Exception: what the function raises; what the settings before it gave is kept by then.

    Examples:
        >>> sweep(pow, [{"base": 2, "exp": 3}, {"base": 3, "exp": 2}], n_jobs=1)
        [8, 9]
    """
    from joblib import Memory, Parallel, delayed

    todo = [dict(setting) for setting in settings]
    folder = cache if cache is not None else os.environ.get("LIVEGRAD_CACHE")
    kept = Memory(folder or None, verbose=0).cache(_kept, ignore=["compute"])
    keys = [(_content(function), setting) for setting in todo]
    record = records.find(function)
    written = [record.get(records.setting(setting), _NOT) if record else _NOT for setting in todo]
    known = [
        one is not _NOT or (bool(folder) and kept.check_call_in_cache(*key, None))
        for one, key in zip(written, keys, strict=True)
    ]
    missing = [setting for setting, there in zip(todo, known, strict=True) if not there]
    runs: Generator[_Run[T]]
    results: list[T] = []
    with warnings.catch_warnings():
        # A worker that has grown is ended and another takes its place. joblib says so in a thread
        # that all runs wait for: where warnings are errors, they would wait for ever.
        warnings.filterwarnings("ignore", "A worker stopped while some jobs", UserWarning)
        # What was kept and cannot be read is computed anew, below.
        warnings.filterwarnings("ignore", "Exception while loading results", UserWarning)
        if missing:
            parallel = Parallel(n_jobs=n_jobs, return_as="generator")
            runs = parallel(delayed(_alone)(function, setting) for setting in missing)
        items = list(zip(written, keys, known, strict=True))
        for one, key, there in _bar(items, len(missing), progress):
            if one is not _NOT:
                results.append(records.unpacked(one))
                continue
            if there:
                results.append(kept(*key, lambda setting=key[1]: _result(function, setting)))
                continue
            run = next(runs)
            if run.error is not None:
                # The list of the settings goes no further: what still runs is ended, as joblib
                # warns.
                warnings.simplefilter("ignore", UserWarning)
                runs.close()
                raise run.error
            # Stored now, as it arrives from its worker.
            results.append(kept(*key, lambda run=run: run.result))
    return results


@dataclass(frozen=True)
class _Run(Generic[T]):
    """What a worker sends back: a result, or the error that it met.

    An error that joblib itself passed on would end the sweep at once, and with it what the settings
    before had given but the client had not yet stored.
    """

    result: T | None = None
    error: Exception | None = None


def _kept(function: str, setting: Mapping[str, Any], compute: Callable[[], T]) -> T:
    """Return the result; joblib keeps it under the function's content and the setting."""
    return compute()


def _alone(function: Callable[..., T], setting: Mapping[str, Any]) -> _Run[T]:
    """Run once, with one thread of linear algebra."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        try:
            return _Run(result=function(**setting))
        except Exception as error:
            # A traceback does not travel between processes, a note does.
            error.add_note(f"with {dict(setting)!r}\n{traceback.format_exc()}")
            return _Run(error=error)


def _result(function: Callable[..., T], setting: Mapping[str, Any]) -> T | None:
    run = _alone(function, setting)
    if run.error is not None:
        raise run.error
    return run.result


def _content(function: Callable[..., Any]) -> str:
    """Return a digest of all that a result of the function may depend on, but for its setting."""
    parts = [closure.of(function), *versions()]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@once
def versions() -> list[str]:
    """Return the machine's kind and the versions of all that results may depend on."""
    found = [platform.machine(), sys.version]
    for name in _PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return found


def _bar(items: list[T], runs: int, progress: bool | None) -> Iterable[T]:
    if progress is None:
        progress = sys.stderr.isatty() and runs >= _MANY
    if not progress:
        return items
    from tqdm import tqdm

    return tqdm(items, desc="sweep", unit="run")
