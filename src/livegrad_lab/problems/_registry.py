"""All problems by name, in the order of the topics and of the sheets."""

from __future__ import annotations

from livegrad_lab.problems import (
    activations,
    dropout,
    gradients,
    initializers,
    inputs,
    outputs,
    shortcuts,
    step,
)
from livegrad_lab.problems._problem import Problem

__all__ = ["PROBLEMS"]

PROBLEMS: dict[str, Problem] = {
    problem.name: problem
    for topic in (gradients, activations, initializers, dropout, shortcuts, outputs, inputs, step)
    for problem in topic.PROBLEMS
}
