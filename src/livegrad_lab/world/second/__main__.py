"""Check the second set, or look at it: ``python -m livegrad_lab.world.second --check``.

Words are parts of names. With ``--check`` the models are trained and the doctor is not asked;
without it, it examines them, and ``--each`` prints what it says of each. Without PyTorch only
Keras's cases are there.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec

from livegrad_lab import sweep
from livegrad_lab.world.second import SECOND, each, run_second, table
from livegrad_lab.world.second import check as checks


def main(asked: list[str]) -> int:
    """Check or examine what is asked for; the status is 1 where a case is wrong."""
    words = [word for word in asked if not word.startswith("--")]
    names = [
        name
        for name, case in SECOND.items()
        if (find_spec("torch") or not case.torch)
        and (not words or any(word in name for word in words))
    ]
    if "--check" in asked:
        wrong = 0
        for line in checks.table(names):
            wrong += "WRONG" in line
            print(line, flush=True)
        return int(wrong > 0)
    runs = sweep(run_second, [{"name": name} for name in names], n_jobs=1)
    rows = dict(zip(names, runs, strict=True))
    print(table(rows))
    if "--each" in asked:
        print(each(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
