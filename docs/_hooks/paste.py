"""Do what a reader does: paste a page's blocks, in order, into an empty interpreter.

Run by the Python of an environment that has nothing but the built wheel and its ``keras`` extra;
this file itself needs the standard library alone. Each page gets an interpreter of its own, in an
empty folder, and each block must print what the page says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import fences

ROOT = Path(__file__).resolve().parents[2]

# What runs in the reader's interpreter: only standard names, all of them taken back at the end.
_PASTE = """
import io as _io, json as _json, sys as _sys
from contextlib import redirect_stdout as _redirect
for _block in _json.loads(_sys.stdin.read()):
    _said = _io.StringIO()
    with _redirect(_said):
        exec(compile(_block["code"], f"<line {_block['line']}>", "exec"), globals())
    if _block["output"] is not None and _said.getvalue() != _block["output"]:
        _sys.exit(f"line {_block['line']} printed\\n{_said.getvalue()}not\\n{_block['output']}")
"""


def blocks(text: str) -> list[dict[str, str | int | None]]:
    """Return the page's Python blocks: line, code, and what it must print (None: not said)."""
    found = fences.find(text)
    pasted: list[dict[str, str | int | None]] = []
    for at, fence in enumerate(found):
        if fence.info == "python":
            follower = found[at + 1] if at + 1 < len(found) else None
            output = follower.code if follower and follower.is_output else None
            pasted.append({"line": fence.first, "code": fence.code, "output": output})
    return pasted


def paste(text: str, python: str = sys.executable) -> str:
    """Return what went wrong with the page's blocks, or an empty string."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [python, "-c", _PASTE],
            input=json.dumps(blocks(text)),
            capture_output=True,
            text=True,
            cwd=folder,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        )
    return done.stderr[-2000:] if done.returncode else ""


def main(names: list[str]) -> int:
    """Paste the named pages, or all, two at a time; return how many failed."""
    pages = [Path(name) for name in names] or fences.pages(ROOT)
    texts = [page.read_text(encoding="utf-8") for page in pages]
    with ThreadPoolExecutor(max_workers=2) as workers:
        failures = list(workers.map(paste, texts))
    for page, failure in zip(pages, failures, strict=True):
        if failure:
            print(f"{page}: {failure}", file=sys.stderr)
    count = sum(len(blocks(text)) for text in texts)
    wrong = sum(map(bool, failures))
    print(f"{count} blocks of {len(pages)} pages pasted into empty interpreters, {wrong} wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
