"""Interpreters that run pages, notebooks and examples, one at a time each."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys

from livegrad_site.run import machine

AT_ONCE = 2


class Worker:
    """An interpreter that runs what it is given, one at a time."""

    def __init__(self) -> None:
        alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "livegrad_site.run.interpreter"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=os.environ | machine.environment() | alone,
            # Ctrl-C is for the server, which ends them.
            start_new_session=True,
        )

    def run(self, name: str) -> str:
        """Return what went wrong with a page, or an empty string when its record is kept."""
        assert self.process.stdin and self.process.stdout
        try:
            print(name, file=self.process.stdin, flush=True)
            answer = self.process.stdout.readline()
        except (BrokenPipeError, ValueError):  # it was stopped
            answer = ""
        return str(json.loads(answer)) if answer else "its interpreter ended"

    def stop(self) -> None:
        """End the interpreter, and what it has started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.communicate()
