"""Rewrite the expected outputs of pages from what their blocks print now; never touch prose.

Blocks that need PyTorch are left as they are where it is not installed.

Run as ``nox -s refresh -- docs/gradients/vanishing.md`` (all pages without an argument). The
difference is shown, for a person to read: a changed output may want a changed sentence.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path

from livegrad_site.read import fences
from livegrad_site.run import cache, results
from livegrad_site.run.blocks import printed


def draws(code: str) -> str:
    """Return the digest of what ``code`` draws."""
    return results.digest(results.drawn(code))


def refreshed(
    text: str, run: Callable[[str], str] = printed, draw: Callable[[str], str] = draws
) -> str:
    """Return the page with each output and digest replaced, or added where a block prints."""
    lines = text.splitlines()
    found = fences.find(text)
    drawing = {result.block.first for result in fences.results(text) if result.block}
    for result in fences.results(text):
        try:
            digest = draw(results.source(result))
        except Exception as error:
            raise RuntimeError(f"the result in line {result.line} failed: {error!r}") from error
        lines[result.line - 1] = f"{result.lead}<!--livegrad:result {digest}-->"
    for at in range(len(found) - 1, -1, -1):
        block = found[at]
        if block.info != "python" or block.first in drawing:
            continue
        if block.needs_torch and importlib.util.find_spec("torch") is None:
            continue
        follower = found[at + 1] if at + 1 < len(found) else None
        try:
            output = run(block.code)
        except Exception as error:
            raise RuntimeError(f"the block in line {block.first} failed: {error!r}") from error
        body = [(block.lead + row).rstrip() for row in output.splitlines()]
        if follower and follower.is_output:
            lines[follower.first : follower.last - 1] = body
        elif output:
            fence = [f"{block.lead}```text", *body, f"{block.lead}```"]
            lines[block.last : block.last] = ["", block.lead + fences.OUTPUT_MARK, *fence]
    return "\n".join(lines) + "\n"


def main(names: list[str]) -> int:
    """Refresh the named pages, or all; print what changed and return how many could not run."""
    failed = 0
    for page in [Path(name).resolve() for name in names] or fences.pages(cache.ROOT):
        before = page.read_text(encoding="utf-8")
        try:
            after = refreshed(before)
        except (RuntimeError, ValueError) as error:
            print(f"{page}: {error}", file=sys.stderr)
            failed += 1
            continue
        if after != before:
            page.write_text(after, encoding="utf-8")
            name = os.path.relpath(page, cache.ROOT)
            sys.stdout.writelines(
                difflib.unified_diff(
                    before.splitlines(keepends=True), after.splitlines(keepends=True), name, name
                )
            )
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
