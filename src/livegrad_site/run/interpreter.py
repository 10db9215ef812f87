"""The program that a worker is: it runs what it is told to, and keeps what that gives.

The build has some of these at work, and never loads TensorFlow itself.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from livegrad_site.run import blocks


def serve() -> None:
    """Answer each line of the standard input, a path or "examples", when it has been run.

    Nobody would hear the answer, and nobody would end what it started, once the build has died.
    """
    if hasattr(os, "killpg"):
        threading.Thread(target=_outlive_nobody, args=[os.getppid()], daemon=True).start()
    # What a block, or a process of its own, writes past Python's streams is no answer.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    for line in sys.stdin:
        name = line.strip()
        try:
            said = ""
            if name == "examples":
                blocks.examples()
            elif name.endswith(".py"):
                from livegrad_site.run import notebooks  # which takes a second to load

                notebooks.execute(Path(name).read_text(encoding="utf-8"), Path(name).name)
            else:
                text = Path(name).read_text(encoding="utf-8")
                blocks.draw(text)
                blocks.backing(text)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"
        print(json.dumps(said), file=answers, flush=True)


def _outlive_nobody(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    serve()
