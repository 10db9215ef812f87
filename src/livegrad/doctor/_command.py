"""``python -m livegrad examine model.keras data.npz``."""

from __future__ import annotations

import argparse
import json
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from livegrad.doctor._report import Examination

__all__ = ["main"]

HEALTHY, FOUND, FAILED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 healthy, 1 findings, 2 it could not run.

    Args:
        arguments: of the command; those of the process without them.
    """
    parser = argparse.ArgumentParser(
        prog="python -m livegrad", description="Why deep networks train or fail to train."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    examine = commands.add_parser("examine", help="examine a compiled Keras model")
    examine.add_argument("model", type=Path, help="a compiled model, saved as .keras")
    examine.add_argument(
        "data",
        type=Path,
        help="an .npz with the arrays x and y, or x0, x1, ... and y0, y1, ... of several",
    )
    examine.add_argument("--json", action="store_true", help="print JSON")
    examine.add_argument("--rows", type=int, default=256, help="examples to measure on")
    given = parser.parse_args(arguments)
    try:
        report = _examination(given.model, given.data, given.rows)
    except Exception as error:
        hint = "; the doctor needs: pip install 'livegrad[keras]'"
        missing = hint if isinstance(error, ModuleNotFoundError) else ""
        print(f"livegrad: {_line(error)}{missing}", file=sys.stderr)
        return FAILED
    _show(report, given.json)
    return HEALTHY if report.healthy else FOUND


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _examination(model: Path, data: Path, rows: int) -> Examination:
    x, y = _data(data)
    from livegrad.doctor import examine

    return examine(_model(model), x, y, rows=rows)


def _data(path: Path) -> tuple[Any, Any]:
    """Return the arrays of an ``.npz``; nothing in it is unpickled."""
    import numpy as np

    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, EOFError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path}: not an .npz of plain arrays") from error
    groups = []
    for name in "xy":
        if name in arrays:
            groups.append(arrays[name])
            continue
        several = [key for key in arrays if key[0] == name and key[1:].isdigit()]
        if not several:
            known = ", ".join(arrays) or "nothing"
            raise ValueError(f"{path}: must hold an array {name}, got {known}")
        groups.append([arrays[key] for key in sorted(several, key=lambda key: int(key[1:]))])
    return groups[0], groups[1]


def _model(path: Path) -> Any:
    """Load a model whose file may not be trusted: in safe mode, which runs no code from it."""
    if not path.is_file():
        raise ValueError(f"{path}: no such file")
    if path.suffix != ".keras":
        raise ValueError(f"{path}: must be a .keras file")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: broken, not a .keras file")
    import warnings

    import keras

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return keras.saving.load_model(path, safe_mode=True)
        except Exception as error:
            raise ValueError(f"{path}: could not be loaded: {_line(error)}") from error


def _show(report: Examination, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.to_dict(), indent=2))
        return
    if sys.stdout.isatty():
        try:
            _show_rich(report)
            return
        except ImportError:
            pass
    print(report)


def _show_rich(report: Examination) -> None:
    from rich.console import Console
    from rich.panel import Panel
    from rich.text import Text

    console = Console()
    if report.healthy:
        console.print(Text("healthy: nothing found that holds training back", style="green"))
    for finding in report.findings:
        body = Text(f"{finding.evidence}\n{finding.why}\n\nfix   ")
        body.append(finding.fix, style="bold")
        body.append(f"\npage  {finding.page}", style="dim")
        title = Text(f"{finding.code} at {finding.layer}", style="bold red")
        console.print(Panel(body, title=title, title_align="left"))
    for what in report.unjudged:
        console.print(Text(f"not judged: {what}", style="dim"))
