"""Do what a reader does: paste a page's blocks, in order, into an empty interpreter.

Run by the Python of an environment that has nothing but the built wheel and its ``keras`` extra;
this file itself needs the standard library alone. Each page gets an interpreter of its own, in an
empty folder, and each block must print what the page says.

Importing what others have written takes longer than most pages. Pages are therefore forked from an
interpreter that has done that and nothing else: its namespace is as empty as any. Keras is there
only for pages that import it, and nothing of this package ever is.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from livegrad_site.check import turns
from livegrad_site.read import fences

ROOT = Path(__file__).resolve().parents[3]

# What runs in the readers' interpreter. It answers with what went wrong on each page.
_INTERPRETER = r"""
import contextlib, importlib, io, json, os, shutil, signal, sys, tempfile, types

def paste(blocks):
    sys.modules["__main__"] = reader = types.ModuleType("__main__")
    for block in blocks:
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(block["code"], f"<line {block['line']}>", "exec"), vars(reader))
        if block["output"] is not None and said.getvalue() != block["output"]:
            sys.exit(f"line {block['line']} printed\n{said.getvalue()}not\n{block['output']}")

def start(blocks):
    folder = tempfile.mkdtemp()
    stderr = tempfile.TemporaryFile()
    child = os.fork()
    if child == 0:
        os.setsid()
        os.chdir(folder)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(stderr.fileno(), 2)
        status = 1
        try:
            paste(blocks)
            status = 0
        except BaseException as error:
            if isinstance(error, SystemExit):
                print(error, file=sys.stderr)
            else:
                sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(status)
    return child, (folder, stderr)

order = json.loads(sys.stdin.read())
for name in order["warm"]:
    importlib.import_module(name)
failures, running, todo = {}, {}, list(enumerate(order["pages"]))
while todo or running:
    while todo and len(running) < order["at_once"]:
        at, blocks = todo.pop(0)
        child, place = start(blocks)
        running[child] = at, *place
    child, status = os.wait()
    if child in running:
        at, folder, stderr = running.pop(child)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # a page's workers would outlive it
        stderr.seek(0)
        said = stderr.read().decode(errors="replace")[-2000:]
        failures[at] = (said or f"status {status}") if status else ""
        shutil.rmtree(folder, ignore_errors=True)
print(json.dumps([failures[at] for at in sorted(failures)]))
"""
_WARM = [
    "matplotlib.figure",
    "matplotlib.backends.backend_svg",
    "scipy.special",
    "sklearn.datasets",
]
# Of as many parts of the pages one is pasted at a check.
PARTS = 6
_KERAS = re.compile(r"^\s*(?:import|from) (?:keras|tensorflow)\b", re.MULTILINE)


def blocks(text: str, torch: bool = False) -> list[dict[str, str | int | None]]:
    """Return the page's Python blocks: line, code, and what it must print (None: not said).

    Either all that run without PyTorch, or all that need it.
    """
    found = fences.find(text)
    pasted: list[dict[str, str | int | None]] = []
    for at, fence in enumerate(found):
        if fence.info == "python" and fence.needs_torch == torch:
            follower = found[at + 1] if at + 1 < len(found) else None
            output = follower.code if follower and follower.is_output else None
            pasted.append({"line": fence.first, "code": fence.code, "output": output})
    return pasted


def paste(texts: list[str], warm: list[str] | None = None, torch: bool = False) -> list[str]:
    """Return for each page what went wrong with its blocks, or an empty string."""
    pages = [blocks(text, torch) for text in texts]
    order: dict[str, Any] = {"pages": pages, "warm": warm or []}
    order["at_once"] = os.cpu_count() or 1
    # Pages share the machine; no page needs more than one thread of linear algebra.
    alone = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", _INTERPRETER],
        input=json.dumps(order),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=outside | alone,
    )
    return list(json.loads(done.stdout))


def main(names: list[str]) -> int:
    """Paste the named pages, or all, the longest first; return how many failed.

    With ``--torch`` the blocks that need PyTorch, else all others. With ``--turn`` only the pages
    whose turn it is.
    """
    torch = "--torch" in names
    pages = [Path(name) for name in names if not name.startswith("--")] or fences.pages(ROOT)
    if "--turn" in names:
        known = {page.relative_to(ROOT).as_posix(): page for page in pages}
        due = turns.taken([*known], turns.commit(ROOT), turns.changed(ROOT), PARTS)
        pages = [known[name] for name in due]
    texts = {page: page.read_text(encoding="utf-8") for page in pages}
    pages = [page for page in pages if blocks(texts[page], torch)]
    failures: dict[Path, str] = {}
    for keras in (False,) if torch else (True, False):
        some = [page for page in pages if torch or bool(_KERAS.search(texts[page])) == keras]
        some.sort(key=lambda page: ("experiments" in page.parts, len(texts[page])), reverse=True)
        if some:
            loaded = ["torch"] if torch else ["keras"] if keras else []
            said = paste([texts[page] for page in some], [*loaded, *_WARM], torch)
            failures |= dict(zip(some, said, strict=True))
    for page in pages:
        if failures[page]:
            print(f"{page}: {failures[page]}", file=sys.stderr)
    count = sum(len(blocks(texts[page], torch)) for page in pages)
    wrong = sum(map(bool, failures.values()))
    print(f"{count} blocks of {len(pages)} pages pasted into empty interpreters, {wrong} wrong")
    return wrong


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
