"""Check an answer in a process of its own, with limits of time, memory and printed output.

That keeps an accident from harm, and is no sandbox: the code may read and write what its user may.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from livegrad_lab.problems._problem import Problem

__all__ = ["MEMORY", "SECONDS", "Told", "grade"]

SECONDS = 60.0
"""What an answer may take."""
MEMORY = 2**32
"""Bytes of address space that an answer may have, NumPy's and SciPy's own among them."""
PRINTED = 10**6
"""Characters that an answer may print."""


@dataclass(frozen=True)
class Told:
    """What the checks said of one answer.

    Attributes:
        problem: its name.
        title: its title.
        solved: whether all checks passed.
        passed: what the answer was held to, and passed.
        refused: why it did not pass, in one line.
        limited: whether memory was limited.
    """

    problem: str
    title: str
    solved: bool
    passed: tuple[str, ...]
    refused: str | None
    limited: bool = True

    def __str__(self) -> str:
        if self.solved:
            count = len(self.passed)
            return f"solved      {self.problem}: {count} check{'s' if count > 1 else ''} passed"
        word = "open       " if (self.refused or "").startswith("not answered") else "not solved "
        return f"{word} {self.problem}: {self.refused}"

    def to_dict(self) -> dict[str, Any]:
        """Return it as what JSON knows."""
        return {**asdict(self), "passed": list(self.passed)}


def grade(
    problem: Problem, code: str, file: str, seconds: float = SECONDS, memory: int = MEMORY
) -> Told:
    """Return what the checks of a problem say of an answer.

    Args:
        problem: the problem.
        code: the answer.
        file: where it stands, for messages and for modules beside it.
        seconds: what it may take.
        memory: bytes that it may have, where the system limits that.
    """
    with tempfile.TemporaryDirectory(prefix="livegrad-") as folder:
        job = {"problem": problem.name, "code": code, "file": file, "memory": memory}
        (Path(folder) / "job.json").write_text(json.dumps(job), "utf-8")
        stopped = _run(folder, seconds)
        try:
            told = json.loads((Path(folder) / "told.json").read_text("utf-8"))
        except (OSError, ValueError):
            told = {"passed": [], "limited": True}
            stopped = stopped or "ended its own process before the checks were done"
    # What was printed or ran too long is told, whatever came of it.
    refused = stopped or told["refused"]
    return Told(
        problem.name,
        problem.title,
        refused is None,
        tuple(told["passed"]),
        refused,
        told["limited"],
    )


def _run(folder: str, seconds: float) -> str | None:
    """Run the child; return why it was stopped, or None."""
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "livegrad_lab.problems._child", folder],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **one},
        start_new_session=True,
    )
    assert child.stdout is not None
    printed: list[int] = [0]
    reader = threading.Thread(target=_count, args=(child, child.stdout, printed), daemon=True)
    reader.start()
    why = None
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        why = f"took more than {seconds:g} s, and was stopped: is there a loop without an end?"
    finally:
        _stop(child)  # and what it may have started itself
        reader.join(5)
        child.stdout.close()
    if printed[0] > PRINTED:
        return f"printed more than {PRINTED} characters, and was stopped"
    return why


def _count(child: subprocess.Popen[bytes], pipe: IO[bytes], printed: list[int]) -> None:
    with contextlib.suppress(OSError, ValueError):
        while piece := os.read(pipe.fileno(), 65536):
            printed[0] += len(piece)
            if printed[0] > PRINTED:
                _stop(child)


def _stop(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    child.wait()
