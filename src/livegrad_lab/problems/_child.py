"""The process in which a reader's code runs: its limits, then the code, then the checks."""

from __future__ import annotations

import json
import linecache
import sys
import types
from pathlib import Path
from typing import Any

from livegrad_lab.problems._answer import Called, answered, blamed
from livegrad_lab.problems._problem import ANSWER, Problem, Refused

__all__ = ["main"]

# What a check gives to no file.
_NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")


def main(folder: str) -> None:
    """Read the job in a folder, and write there what the checks said."""
    from livegrad_lab.problems._registry import PROBLEMS

    place = Path(folder)
    job = json.loads((place / "job.json").read_text("utf-8"))
    limited = _limit(job["memory"])
    sys.addaudithook(_no_network)
    # Behind all others: a file named as a module is not taken for it.
    sys.path.append(str(Path(job["file"]).resolve().parent))
    told = judged(PROBLEMS[job["problem"]], job["code"], job["file"])
    (place / "told.json").write_text(json.dumps({**told, "limited": limited}), "utf-8")


def _limit(memory: int) -> bool:
    """Limit what this process may ask for; return whether that is possible here."""
    try:
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (memory, most))
    except (ImportError, ValueError, OSError):
        return False
    return sys.platform == "linux"  # elsewhere it is taken, and does not hold


def _no_network(event: str, given: tuple[Any, ...]) -> None:
    if event in _NETWORK:
        raise PermissionError("it asked for the network, which a check gives to no file")


def judged(problem: Problem, code: str, file: str) -> dict[str, Any]:
    """Run an answer and the problem's checks.

    Returns:
        ``passed``, what was held; ``refused``, the line that says why, or None.
    """
    passed: list[str] = []
    try:
        answer = _answer(problem, code, file)
        for check in problem.checks:
            check(answer)
            passed.append(check.__name__.strip("_").replace("_", " "))
    except Refused as refused:
        return {"passed": passed, "refused": str(refused)}
    except MemoryError:
        return {"passed": passed, "refused": "needed more memory than it may have"}
    return {"passed": passed, "refused": None}


def _answer(problem: Problem, code: str, file: str) -> Any:
    linecache.cache[file] = (len(code), None, code.splitlines(keepends=True), file)
    module = types.ModuleType("answer")  # a dataclass, for one, looks its module up
    sys.modules["answer"] = module
    space = module.__dict__
    space["__file__"] = file
    try:
        exec(compile(code, file, "exec"), space)
    except MemoryError:
        raise
    except (Exception, SystemExit) as error:
        answered(error)
        raise Refused(f"the file failed before the checks: {blamed(error, file)}") from error
    if problem.asks not in space:
        own = [name for name in space if not name.startswith("__")]
        there = f"it defines {', '.join(own[:6])}" if own else "it defines nothing"
        raise Refused(f"must define {problem.signature}; {there}")
    answer = space[problem.asks]
    if problem.asks == ANSWER:
        return answer
    if not callable(answer):
        raise Refused(f"{problem.asks} must be a function, {problem.signature}; got {answer!r:.60}")
    return Called(answer, file)


if __name__ == "__main__":
    main(sys.argv[1])
