"""What a problem is: its words for the checker, and the checks that an answer has to pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

__all__ = ["ANSWER", "Check", "Problem", "Refused"]

Kind = Literal["by hand", "by code", "by experiment"]


class Check(Protocol):
    """A function that gets the answer, and raises ``Refused`` if it does not hold."""

    __name__: str

    def __call__(self, answer: Any, /) -> None:
        """Hold the answer to one thing."""


ANSWER = "answer"


class Refused(Exception):  # noqa: N818 (it is what a check says, and no error of the program)
    """An answer did not pass; the text says what was expected, what came, and for which input."""


@dataclass(frozen=True)
class Problem:
    """A problem of a sheet.

    Attributes:
        name: how page, file and command call it; it begins with the topic.
        title: its heading on the page.
        kind: how it is solved.
        stub: what the reader starts from, without the line that names the problem. The last
            function in it, or ``answer``, is what the checks get.
        checks: functions that raise ``Refused``; the name of each says what it holds an answer
            to. The first that refuses is the last that runs.
    """

    name: str
    title: str
    kind: Kind
    stub: str
    checks: tuple[Check, ...]

    @property
    def topic(self) -> str:
        """The topic whose sheet it is on."""
        return self.name.partition("-")[0]

    @property
    def signature(self) -> str:
        """What the file must define: ``answer``, or a function with its parameters."""
        heads = [line for line in self.stub.splitlines() if line.startswith("def ")]
        return heads[-1].removeprefix("def ").rstrip(":") if heads else ANSWER

    @property
    def asks(self) -> str:
        """The name that the file must define."""
        return self.signature.partition("(")[0]

    @property
    def start(self) -> str:
        """The stub as it is pasted, with the line that names the problem."""
        return f"# problem: {self.name}\n{self.stub}"
