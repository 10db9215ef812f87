"""Show the sentences that changed, or whose proofs did, side by side, and lock what was read.

``nox -s read -- PAGE ...`` shows what changed since it was read, each sentence beside its proof,
and asks; ``--yes`` is the answer ahead. What has no proof shows its difference from the last
commit. ``--all`` shows every sentence, ``--todo`` those that want a proof and have none. Without a
page, all files are gone through.
"""

from __future__ import annotations

import argparse
import subprocess
from pathlib import Path
from typing import Any

from livegrad_site.check import locks, predictions, proofs
from livegrad_site.read import sentences
from livegrad_site.run import blocks, cache


def shown(sentence: sentences.Sentence, page: list[proofs.Block], name: str) -> str:
    """Return a sentence and, below, each item of its proof with the value it has now."""
    lines = [f"{name}:{sentence.line}: {sentence.plain}"]
    try:
        evidence = proofs.Evidence(page, sentence.line)
        for item in proofs.prove(sentence.plain, sentence.items, evidence):
            lines.append(f"      {item.item}  ->  {item.value}")
    except proofs.ProofError as error:
        lines.append(f"      WRONG: {error}")
    return "\n".join(lines)


def answers(text: str, record: list[dict[str, Any]], name: str) -> list[str]:
    """Return each prediction of a page with its answer, and each reply with what it rests on."""
    lines = []
    for asked in predictions.of_page(text, proofs.page_of(text, record)):
        lines += [f"{name}:{asked.line}: {asked.ask}", f"      came out: {asked.result}"]
        lines.append(f"          {asked.rests.item}  ->  {asked.rests.value}")
        for one in asked.answers:
            lines.append(f"      {'*' if one.right else '-'} {one.says}: {one.reply}")
            lines.append(f"          {one.rests.item}  ->  {one.rests.value}")
    return lines


def difference(path: Path) -> str:
    """Return how a file differs from the last commit."""
    command = ["git", "diff", "--no-color", "--unified=0", "HEAD", "--", str(path)]
    return subprocess.run(command, cwd=cache.ROOT, capture_output=True, text=True).stdout


def main() -> int:
    """Run the command; the status is 1 when something is left unread or wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pages", nargs="*", type=Path)
    parser.add_argument("--yes", action="store_true", help="they were read: lock them")
    parser.add_argument("--all", action="store_true", help="show every sentence with a proof")
    parser.add_argument("--todo", action="store_true", help="show sentences without a proof")
    given = parser.parse_args()
    paths = [path.resolve() for path in given.pages] or locks.files()
    faults = 0
    changed: list[Path] = []
    rest = set(locks.unread())
    for path in paths:
        name = locks.name(path)
        news: list[str] = []
        wrong = 0
        if path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
            record = blocks.record(text)
            page = proofs.page_of(text, record)
            asked = predictions.check(text, record)
            wrong += len(asked)
            for line, _last, what in asked:
                print(f"{name}:{line}: WRONG {what}")
            if not (asked or given.todo) and (given.all or path in rest):
                news += answers(text, record, name)
            if what := proofs.head_fault(text, page):
                wrong += 1
                print(f"{name}:1: WRONG {what}")
            for sentence in sentences.read(text):
                what = proofs.fault(sentence, page, locked=False)
                if what and (sentence.items or given.todo):
                    wrong += 1
                    print(f"{name}:{sentence.line}: WRONG {what}")
                elif sentence.items and (given.all or sentence.lock != sentence.digest):
                    news.append(shown(sentence, page, name))
            print("\n".join(news), end="\n" if news else "")
        faults += wrong
        if not given.todo and not wrong and (path in rest or news):
            changed.append(path)
            if path in rest:
                print(f"{name}: words changed since they were read\n{difference(path)}")
    if not changed or given.todo:
        return int(faults > 0)
    if not given.yes and input("Did you read them, each beside its proof? [y/N] ").lower() != "y":
        return 1
    for path in changed:
        if path.suffix == ".md":
            text = path.read_text(encoding="utf-8")
            path.write_text(proofs.locked(text), encoding="utf-8")
    locks.write(changed)
    return int(faults > 0)


if __name__ == "__main__":
    raise SystemExit(main())
