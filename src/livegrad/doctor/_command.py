"""``python -m livegrad examine model.keras data.npz``, and of other kinds of models."""

from __future__ import annotations

import argparse
import contextlib
import importlib
import inspect
import json
import math
import os
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from livegrad.doctor._given import named
from livegrad.doctor._report import Examination

__all__ = ["main"]

HEALTHY, FOUND, FAILED = 0, 1, 2

_KINDS = "a .keras file, a .pt2 program, or module:function"
# What opens one of these runs whatever code is in it.
_PICKLED = (".pt2", ".pt", ".pth", ".pkl", ".pickle", ".h5", ".hdf5")
_SPEC = re.compile(r"[^\W\d][\w.]*:[^\W\d]\w*")
_RETURNS = "must return (model, x, y), or a dict of arguments of livegrad.doctor.examine"
_ROWS = 256


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong."""

    def error(self, message: str) -> NoReturn:
        self.exit(FAILED, f"livegrad: {message}; --help says more\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status: 0 healthy, 1 not, 2 it could not run.

    Args:
        arguments: of the command; those of the process without them.
    """
    given = _parser().parse_args(arguments)
    try:
        report = _examination(given)
        if given.html is not None:
            _write(given.html, report)
    except Exception as error:
        hint = "; the doctor needs: pip install 'livegrad[keras]'"
        missing = hint if isinstance(error, ModuleNotFoundError) else ""
        print(f"livegrad: {_line(error)}{missing}", file=sys.stderr)
        return FAILED
    _show(report, given.json)
    return HEALTHY if report.healthy else FOUND


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m livegrad", description="Why deep networks train or fail to train."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    examine = commands.add_parser("examine", help="examine a model on a sample of its data")
    examine.add_argument(
        "model",
        help="a compiled model, saved as .keras; a program that torch.export.save wrote, as .pt2; "
        "or module:function, imported from this folder, which returns (model, x, y) or a dict of "
        "arguments of livegrad.doctor.examine",
    )
    examine.add_argument(
        "data",
        type=Path,
        nargs="?",
        help="an .npz with the arrays x and y, or x0, x1, ... and y0, y1, ... of several; none "
        "with module:function",
    )
    examine.add_argument("--json", action="store_true", help="print JSON")
    examine.add_argument("--html", type=Path, metavar="FILE", help="write the report as a page too")
    examine.add_argument(
        "--rows", type=_whole, metavar="N", help=f"examples to measure on, {_ROWS} without it"
    )
    examine.add_argument("--batch-size", type=_whole, metavar="N", help="examples a step")
    examine.add_argument("--epochs", type=_whole, metavar="N", help="of the training")
    examine.add_argument("--loss", metavar="NAME", help="of torch.nn, such as CrossEntropyLoss")
    examine.add_argument("--optimizer", metavar="NAME", help="of torch.optim, such as Adam")
    examine.add_argument("--rate", type=_positive, help="the optimizer's learning rate")
    examine.add_argument(
        "--trust",
        action="store_true",
        help="run code that is in the model's file: in Lambda layers, and in "
        f"{', '.join(_PICKLED)}, which are opened with it alone",
    )
    return parser


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d+", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return int(text)


def _positive(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 < (value := float(text)) < math.inf:
            return value
    raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")


def _line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _examination(given: argparse.Namespace) -> Examination:
    """Examine what the arguments name."""
    if _SPEC.fullmatch(given.model) and not Path(given.model).exists():
        if given.data is not None:
            raise ValueError(f"data must not be given with module:function, got {given.data}")
        asked = _made(given.model)
    else:
        if given.data is None:
            raise ValueError(f"data must be an .npz file for the model {given.model}, got none")
        x, y = _data(given.data)
        asked = {"model": _model(Path(given.model), given.trust), "x": x, "y": y}
    from livegrad.doctor import examine

    asked |= _torch_words(asked, given)
    for name in ("rows", "batch_size", "epochs"):
        if getattr(given, name) is not None:
            asked[name] = getattr(given, name)
    return examine(asked.pop("model"), asked.pop("x"), asked.pop("y", None), **asked)


def _torch_words(asked: dict[str, Any], given: argparse.Namespace) -> dict[str, Any]:
    """Return loss and optimizer of a PyTorch module, by their names; its inputs as it takes them.

    Raises:
        ValueError: if there is none of that name, or if the model is none of PyTorch.
    """
    from livegrad.doctor import _framework

    if given.rate is not None and given.optimizer is None:
        raise ValueError("--rate must be given with --optimizer")
    if _framework(asked["model"]) != "torch":
        if given.loss is not None or given.optimizer is not None:
            raise ValueError(
                "--loss and --optimizer must be given for a PyTorch module alone: a Keras model "
                "has those of model.compile"
            )
        return {}
    import torch

    made: dict[str, Any] = {}
    if isinstance(asked["x"], list):
        made["x"] = tuple(asked["x"])  # several arguments
    if given.loss is not None:
        losses = torch.nn.modules.loss._Loss
        made["loss"] = _of(torch.nn, given.loss, losses, "--loss", "CrossEntropyLoss")()
    if given.optimizer is not None:
        kind = _of(torch.optim, given.optimizer, torch.optim.Optimizer, "--optimizer", "Adam")
        rate = {} if given.rate is None else {"lr": given.rate}
        made["optimizer"] = kind(asked["model"].parameters(), **rate)
    return made


def _of(place: Any, name: str, kind: Any, option: str, such: str) -> Any:
    found = getattr(place, name, None)
    if not (isinstance(found, type) and issubclass(found, kind)):
        where = place.__name__
        raise ValueError(f"{option} must be a name of {where}, such as {such}, got {name!r}")
    return found


def _made(spec: str) -> dict[str, Any]:
    """Return what a function of a module in this folder gives, as arguments of ``examine``."""
    name, _, called = spec.partition(":")
    with _here(), contextlib.redirect_stdout(sys.stderr):
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name and (name == error.name or name.startswith(f"{error.name}.")):
                raise ValueError(f"{spec}: no module {name} in {os.getcwd()}") from error
            raise ValueError(f"{spec}: {name} could not be imported: {_line(error)}") from error
        except (Exception, SystemExit) as error:
            why = f"{type(error).__name__}: {_line(error)}"
            raise ValueError(f"{spec}: {name} could not be imported: {why}") from error
        function = getattr(module, called, None)
        if not callable(function):
            what = "has no" if function is None else "cannot be called, its"
            got = "" if function is None else f" is {named(function)}"
            raise ValueError(f"{spec}: {name} {what} {called}{got}")
        try:
            found = function()
        except (Exception, SystemExit) as error:
            why = f"{type(error).__name__}: {_line(error)}"
            raise ValueError(f"{spec}: {called} failed: {why}") from error
    from livegrad.doctor import examine

    if isinstance(found, tuple) and len(found) == 3:
        return dict(zip(("model", "x", "y"), found, strict=True))
    if not isinstance(found, dict):
        several = f" of {len(found)}" if isinstance(found, tuple) else ""
        raise ValueError(f"{spec}: {called} {_RETURNS}, got {named(found)}{several}")
    wanted = inspect.signature(examine).parameters
    strange = [key for key in found if key not in wanted]
    missing = [key for key in ("model", "x") if key not in found]
    if strange or missing:
        got = f"with {strange[0]!r}" if strange else f"without {missing[0]!r}"
        raise ValueError(f"{spec}: {called} {_RETURNS}, got a dict {got}")
    return dict(found)


@contextlib.contextmanager
def _here() -> Iterator[None]:
    """Let modules be found in the current folder."""
    folder = os.getcwd()
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)


def _there(path: Path, what: str) -> None:
    if path.is_dir():
        raise ValueError(f"{path}: is a folder, {what}")
    if not path.is_file():
        raise ValueError(f"{path}: no such file")


def _data(path: Path) -> tuple[Any, Any]:
    """Return the arrays of an ``.npz``; nothing in it is unpickled."""
    import numpy as np

    _there(path, "must be an .npz file")
    if path.suffix.lower() != ".npz":
        got = path.suffix or "no ending"
        raise ValueError(f"{path}: must be an .npz file, np.savez(path, x=x, y=y), got {got}")
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: _plain(path, file, name) for name in file.files}
    except (OSError, EOFError, TypeError, AttributeError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path}: broken, not an .npz file") from error
    except ValueError as error:
        if str(error).startswith(str(path)):
            raise
        raise ValueError(f"{path}: broken, not an .npz file") from error
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


def _plain(path: Path, file: Any, name: str) -> Any:
    try:
        return file[name]
    except ValueError as error:
        if "allow_pickle" not in str(error):
            raise
        raise ValueError(
            f"{path}: {name} must hold numbers, got pickled objects, which are not opened"
        ) from error


def _model(path: Path, trust: bool = False) -> Any:
    """Load a model; without trust in safe mode, which runs no code from the file."""
    ending = path.suffix.lower()
    _there(path, f"model must be {_KINDS}")
    if ending in _PICKLED and not trust:
        why = f"opening a {ending} file runs code that is in it"
        raise ValueError(f"{path}: {why}: add --trust if you know where it comes from")
    if ending != ".keras" and ending not in _PICKLED:
        raise ValueError(f"{path}: model must be {_KINDS}, got {ending or 'no ending'}")
    if ending in (".keras", ".pt2") and not zipfile.is_zipfile(path):
        raise ValueError(f"{path}: broken, not a {ending} file")
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return _loaded(path, ending, trust)
        except ModuleNotFoundError as error:
            if error.name not in ("keras", "torch"):
                raise ValueError(f"{path}: could not be loaded: {_line(error)}") from error
            raise
        except Exception as error:
            why = _line(error)
            if "safe_mode" in str(error) or "enable_unsafe_deserialization" in str(error):
                why = "a Lambda layer holds code, which runs with --trust alone"
            raise ValueError(f"{path}: could not be loaded: {why}") from error


def _loaded(path: Path, ending: str, trust: bool) -> Any:
    if ending in (".keras", ".h5", ".hdf5"):
        import keras

        return keras.saving.load_model(path, safe_mode=not trust)
    if ending in (".pkl", ".pickle"):
        import pickle

        with path.open("rb") as file:
            return pickle.load(file)
    import torch

    if ending == ".pt2":
        from livegrad.doctor._torch.program import opened

        return opened(path)
    found = torch.load(path, map_location="cpu", weights_only=False)
    if not isinstance(found, torch.nn.Module):
        kind = "weights alone, a state_dict" if isinstance(found, dict) else named(found)
        raise TypeError(f"it must hold a whole module, torch.save(model, path), got {kind}")
    return found


def _write(path: Path, report: Examination) -> None:
    if path.is_dir() or not path.parent.is_dir():
        raise ValueError(f"--html must name a file in a folder that is there, got {path}")
    path.write_bytes(report.to_html().encode())


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
    console.print(Text(report.conclusion, style="green" if report.healthy else "bold"))
    for finding in report.findings:
        body = Text(f"{finding.evidence}\n{finding.why}\n\nfix   ")
        body.append(finding.fix, style="bold")
        body.append(f"\npage  {finding.page}", style="dim")
        title = Text(f"{finding.code} at {finding.layer}", style="bold red")
        console.print(Panel(body, title=title, title_align="left"))
    for what in report.unjudged:
        console.print(Text(f"not judged: {what}", style="dim"))
