"""Hold a release to its tag: the package, the changelog and the citation file name one version.

Without a tag it checks that they agree; with one, that they are ready to be released as it.
Needs the standard library alone, and prints what is wrong.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
_ENTRY = re.compile(r"^## \[(?P<version>[^\]]+)\] - (?P<day>\d{4}-\d{2}-\d{2}|unreleased)$", re.M)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def amiss(root: Path = ROOT, tag: str = "") -> list[str]:
    """Return what does not agree."""
    with (root / "pyproject.toml").open("rb") as file:
        version = tomllib.load(file)["project"]["version"]
    entries = list(_ENTRY.finditer((root / "CHANGELOG.md").read_text(encoding="utf-8")))
    headings = re.findall(r"^## ", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    if not entries or len(entries) != len(headings):
        return ["CHANGELOG.md has an entry that names no version or no day"]
    citation = (root / "CITATION.cff").read_text(encoding="utf-8")
    cited = dict(re.findall(r"^(version|date-released): (.+)$", citation, re.M))
    day = entries[0]["day"]
    wrong = []
    if entries[0]["version"] != version:
        wrong.append(f"CHANGELOG.md is of {entries[0]['version']}, pyproject.toml of {version}")
    if cited.get("version") != version:
        wrong.append(f"CITATION.cff is of {cited.get('version')}, pyproject.toml of {version}")
    if cited.get("date-released", "unreleased") != day:
        wrong.append(f"CITATION.cff was released {cited.get('date-released')}, CHANGELOG.md {day}")
    if any(entry["day"] == "unreleased" for entry in entries[1:]):
        wrong.append("CHANGELOG.md has an older version that was never released")
    if tag and tag != f"v{version}":
        wrong.append(f"the tag is {tag}, pyproject.toml is of {version}")
    if tag and not _DAY.fullmatch(day):
        wrong.append(f"CHANGELOG.md names no day for {version}")
    return wrong


if __name__ == "__main__":
    problems = amiss(tag="".join(sys.argv[1:2]))
    print("\n".join(problems), end="\n" if problems else "", file=sys.stderr)
    sys.exit(len(problems))
