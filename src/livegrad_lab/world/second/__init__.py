"""A second set, which the doctor was not written with: faulty models and healthy ones.

They were chosen and rebuilt without a look at the doctor's code, its bounds or its tests, and it
was not run on any of them meanwhile. The first look is the one that counts: what it
said is to be written down before anything is changed for it.

The faults are as people ask for them and not as the codes are. Stored issues and pages were
searched with what is seen: a loss that stays, one answer for all, an accuracy at chance, nan. What
came back was taken in its order where the thread says what was wrong, whatever that was. Left out
was what the first set has, what has no answer, what is no model and its data, and what does not
show its fault when it is small. ``README.md`` beside this file lists the searches and what was left
out. Of the healthy ones keras.io's examples, PyTorch's tutorials and papers were taken that are in
none of the first set, each with its own preparation.
"""

from __future__ import annotations

from livegrad_lab.world.second import inputs as inputs
from livegrad_lab.world.second import modules as modules
from livegrad_lab.world.second import numerics as numerics
from livegrad_lab.world.second import outputs as outputs
from livegrad_lab.world.second import papers as papers
from livegrad_lab.world.second import tutorials as tutorials
from livegrad_lab.world.second import working as working
from livegrad_lab.world.second.case import SECOND, Second
from livegrad_lab.world.second.score import counted, each, run_second, table, verdict

__all__ = ["SECOND", "Second", "counted", "each", "run_second", "table", "verdict"]
