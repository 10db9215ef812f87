"""Hold all other words to the last time that a person read them.

A sentence with a proof has a lock of its own. What else a reader sees in words, and what those
words stand on, has one a file, in ``docs/_proofs/read.yml``: the rest of a page with its code,
notebooks, docstrings and comments of the package, the texts in the explorers' scripts, templates,
translations, and the configuration. ``nox -s read`` shows what changed and writes it anew.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import io
import re
import tokenize
from pathlib import Path

import yaml

from livegrad_site.read import fences, sentences
from livegrad_site.run import cache

FILE = "docs/_proofs/read.yml"
_TEXTS = re.compile(
    r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`(?:[^`\\]|\\.)*`|//[^\n]*|/\*.*?\*/', re.DOTALL
)


def of_page(text: str) -> str:
    """Return a page's words and code, without outputs and without the sentences that have proofs.

    Outputs and digests are compared with what the blocks give.
    """
    lines = text.splitlines(keepends=True)
    for fence in fences.find(text):
        if fence.is_output:
            for at in range(fence.first - 1, fence.last):
                lines[at] = re.sub(r"[^\n]", " ", lines[at])
    rest = "".join(lines)
    for sentence in reversed(sentences.read(text)):
        if sentence.items:
            rest = rest[: sentence.start] + rest[sentence.end :]
    rest = sentences.MARK.sub("", rest)
    return re.sub(r"<!--livegrad:result.*?-->", "", rest)


def of_module(code: str) -> str:
    """Return a module's docstrings and comments."""
    texts = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    return "\n".join([*texts, *(t.string for t in tokens if t.type == tokenize.COMMENT)])


def of_script(code: str) -> str:
    """Return the texts and comments of a script."""
    return "\n".join(_TEXTS.findall(code))


def words(path: Path) -> str:
    """Return what of a file a lock is of."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".md":
        return of_page(text)
    if path.suffix == ".js":
        return of_script(text)
    if path.suffix == ".py" and "src" in path.relative_to(cache.ROOT).parts[:1]:
        return of_module(text)
    return text


def files() -> list[Path]:
    """Return all files that a reader reads words from."""
    root = cache.ROOT
    docs = root / "docs"
    found = [*fences.pages(root), *docs.glob("experiments/*.py"), root / "mkdocs.yml"]
    found += list(docs.glob("_overrides/**/*.html"))
    found += [*docs.glob("_languages/*.yml"), *docs.glob("_languages/**/*.txt")]
    found += [path for path in docs.glob("assets/**/*.js") if "vendor" not in path.parts]
    return sorted([*found, *cache.sources()])


def digest(path: Path) -> str:
    """Return the lock that a file ought to have."""
    at = path.stat()
    return _digest(path, at.st_mtime_ns, at.st_size)


@functools.cache
def _digest(path: Path, written: int, size: int) -> str:
    """Read the file once, as long as nobody writes to it."""
    return hashlib.sha256(" ".join(words(path).split()).encode()).hexdigest()[:12]


def written() -> dict[str, str]:
    """Return the locks that are written, by file."""
    path = cache.ROOT / FILE
    return dict(yaml.safe_load(path.read_text("utf-8")) or {}) if path.exists() else {}


def name(path: Path) -> str:
    """Return how a file is called in the list of locks."""
    return path.relative_to(cache.ROOT).as_posix()


def unread() -> list[Path]:
    """Return the files whose words changed since they were read."""
    locks = written()
    return [path for path in files() if locks.get(name(path)) != digest(path)]


def write(paths: list[Path]) -> None:
    """Lock the files, and forget those that are gone."""
    locks = written() | {name(path): digest(path) for path in paths}
    there = {name(path) for path in files()}
    lines = [f'{one}: "{locks[one]}"\n' for one in sorted(locks) if one in there]
    cache.write(cache.ROOT / FILE, "".join(lines).encode())
