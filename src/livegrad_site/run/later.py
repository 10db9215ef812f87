"""Run what is not known yet, side by side; what is only served need not wait for it.

A build waits for all of it. While the site is served, a page that waits says so, above its text and
in the place of each figure, and the server, which watches the file ``READY``, builds it anew when
it is known.
"""

from __future__ import annotations

import re
import threading
import time
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from mkdocs.plugins import get_plugin_logger

from livegrad_site.read import fences, predictions, sentences
from livegrad_site.run import cache
from livegrad_site.run.workers import AT_ONCE, Worker

log = get_plugin_logger("later")

READY = cache.FOLDER / "ready"
# Seconds between two words on how far it is, and two builds of what has come.
PAUSE = 10.0
# Runs that say nothing yet on how long the others take.
FEW = 3
_RESULT = re.compile(r"^(?P<lead>[ \t]*)<!--livegrad:(?:result|trust).*?-->$", re.MULTILINE)
_OTHER = re.compile(r"\bon (?P<page>[\w/-]+\.md):")
ABOVE = (
    '!!! warning "Not computed yet"\n\n'
    "    The code of this page runs in the background. Until it has, the outputs below are what is "
    "expected of it, and figures are missing. The page shows them by itself.\n"
)
BELOW = "*This is being computed.*"


class Queue:
    """What is still to run, and the interpreters that are at it.

    Attributes:
        waiting: what has not run, by path, or "examples".
        failed: what went wrong, other than a block, by the same names.
        held: whether nothing is begun yet.
        serving: whether an author looks on, and nothing is published.
    """

    def __init__(self) -> None:
        self.waiting: set[str] = set()
        self.failed: dict[str, str] = {}
        self.held = self.serving = False
        self._todo: deque[str] = deque()
        self._workers: list[Worker] = []
        self._code = ""
        self._change = threading.Condition(threading.RLock())
        self._began = self._said = 0.0
        self._done = 0

    def add(self, names: Iterable[str]) -> None:
        """Run these, in this order, behind what waits already."""
        with self._change:
            if self._code != cache.code_digest():  # what an interpreter has loaded is of old code
                self.stop()
                self._code = cache.code_digest()
            if not self.waiting:
                self._began = self._said = time.monotonic()
                self._done = 0
            new = [name for name in names if name not in self.waiting]
            for name in new:
                self.failed.pop(name, None)
            self.waiting.update(new)
            self._todo.extend(new)
        if not self.held:
            self.start()

    def start(self) -> None:
        """Begin with what has been held."""
        with self._change:
            self.held = False
            while len(self._workers) < min(AT_ONCE, len(self._todo)):
                worker = Worker()
                self._workers.append(worker)
                threading.Thread(target=self._work, args=[worker], daemon=True).start()
            self._change.notify_all()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until all has run, or for so long."""
        with self._change:
            self._change.wait_for(lambda: not self.waiting, seconds)

    def stop(self) -> None:
        """End all of it, the interpreters too; what has run is kept."""
        with self._change:
            self._todo.clear()
            self.waiting.clear()
            ending, self._workers = self._workers, []
            self._change.notify_all()
        for worker in ending:
            worker.stop()

    def _work(self, worker: Worker) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._todo or worker not in self._workers)
                if worker not in self._workers:
                    return
                name = self._todo.popleft()
            said = worker.run(name)
            with self._change:
                if worker not in self._workers:
                    return
                self.waiting.discard(name)
                self._done += 1
                if said:
                    self.failed[name] = said
                    self._workers.remove(worker)  # it may have ended
                    self.start()
                self._tell()
                self._change.notify_all()
            if said:
                worker.stop()
                return

    def _tell(self) -> None:
        now = time.monotonic()
        left = len(self.waiting)
        if left and (now - self._said < PAUSE or self._done < FEW):
            return
        self._said = now
        if left:
            seconds = (now - self._began) / self._done * left
            log.info("%d of %d have run, about %.0f s left", self._done, self._done + left, seconds)
        else:
            log.info("%d have run, in %.0f s", self._done, now - self._began)
        cache.write(READY, b"")


queue = Queue()
_noticed: dict[str, str] = {}


def waits(path: str | Path | None, text: str) -> str:
    """Return "waits" if a page, or one that its proofs look at, has still to run.

    Return "failed" if it could not be run, and an empty text if it is known.
    """
    names = {str(path), *(str(cache.ROOT / "docs" / name) for name in _OTHER.findall(text))}
    if names & queue.waiting or (queue.waiting and "<!--livegrad:trust" in text):
        return "waits"
    return "failed" if names & queue.failed.keys() else ""


def notice(path: str | Path, text: str, markdown: str) -> str:
    """Return a page that waits: it says so, and shows no proof or answer of what has not run.

    One that could not be run is shown without, too; the reason stands above it.
    """
    _noticed[str(path)] = waits(path, text)
    bare = sentences.MARK.sub("", fences.GIVEN.sub("", predictions.COMMENT.sub("", markdown)))
    bare = _RESULT.sub(lambda match: f"\n{match['lead']}{BELOW}\n", bare)
    title = re.search(r"^# .*\n", bare, re.MULTILINE)
    at = title.end() if title else 0
    above = ABOVE if _noticed[str(path)] == "waits" else ""
    return f"{bare[:at]}\n{above}\n{bare[at:]}"


def come(path: str | Path, text: str) -> bool:
    """Return whether it stands otherwise with a page than the page says."""
    before = _noticed.get(str(path))
    if before is None or before == waits(path, text):
        return False
    del _noticed[str(path)]
    return True
