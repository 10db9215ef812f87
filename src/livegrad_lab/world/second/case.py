"""What a case of the second set is: an example with the code that names its fault, and PyTorch's.

The first set lists all codes of a kind. Here a case has one code of its own, from the page of codes
and what the accepted fix says, and beside it those that would be right as well.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from livegrad_lab.faults.case import Patient

__all__ = ["SECOND", "Build", "Second", "TorchPatient", "faulty", "healthy"]

Build = Callable[[bool], Patient]


@dataclass
class TorchPatient(Patient):
    """A module of PyTorch with its data as tensors.

    Attributes:
        loss: takes the outputs and the labels.
        optimizer: of the module's parameters.
        columns: of the answers that are scored, the first so many; all with 0.
    """

    loss: Any = None
    optimizer: Any = None
    columns: int = 0

    def score(self) -> float:
        """Return the share of what knowing nothing leaves open: 0 for that, 1 for all right."""
        import torch

        self.model.eval()
        with torch.no_grad():
            output = self.model(self.x).numpy()
        output = output[:, : self.columns] if self.columns else output
        return Patient(lambda x, training: output, None, None, self.truth, self.read).score()

    def _steps(self) -> None:
        import torch

        rng = np.random.default_rng(0)
        self.model.train()
        for _ in range(self.epochs):
            order = torch.from_numpy(rng.permutation(len(self.y)))
            for at in order.split(self.batch):
                self.optimizer.zero_grad()
                self.loss(self.model(self.x[at]), self.y[at]).backward()
                self.optimizer.step()


@dataclass(frozen=True)
class Second:
    """One case of the second set.

    Attributes:
        name: what it is, in a few words; unique.
        source: where it was asked or published.
        build: makes the patient; with True as the source mends it.
        fault: in the words of the report; "" for a healthy model.
        code: the doctor's code for it; "" where it has none, and for a healthy model.
        places: where the fault is: names of layers, or "data", "loss", "optimizer", "model"; any
            of them is right, and every place where none is said.
        also: the codes that would be right as well.
        torch: whether it is a module of PyTorch.
        shows: what shows the fault: "score", or the metric where only what is displayed is wrong.
    """

    name: str
    source: str
    build: Build
    fault: str = ""
    code: str = ""
    places: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    torch: bool = False
    shows: str = "score"

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that name its fault, its own first."""
        return (*((self.code,) if self.code else ()), *self.also)


SECOND: dict[str, Second] = {}
"""All cases of the second set by name."""


def healthy(name: str, source: str, *, torch: bool = False) -> Callable[[Build], Build]:
    """Register a model that trains as its source says."""

    def add(build: Build) -> Build:
        return _add(Second(name, source, build, torch=torch))

    return add


def faulty(
    name: str, fault: str, code: str, *places: str, source: str, **more: Any
) -> Callable[[Build], Build]:
    """Register a model with the fault that its source found in the end."""

    def add(build: Build) -> Build:
        return _add(Second(name, source, build, fault, code, places, **more))

    return add


def _add(case: Second) -> Build:
    if case.name in SECOND:
        raise ValueError(f"name must be new, got {case.name!r} twice")
    SECOND[case.name] = case
    return case.build
