"""Programs of the published sets of faulty programs, rebuilt small, by the factor at fault."""

from __future__ import annotations

from livegrad_lab.world.published import capacity as capacity
from livegrad_lab.world.published import hidden as hidden
from livegrad_lab.world.published import inputs as inputs
from livegrad_lab.world.published import labels as labels
from livegrad_lab.world.published import outputs as outputs
from livegrad_lab.world.published import softmax as softmax
from livegrad_lab.world.published import step as step
from livegrad_lab.world.published import towers as towers
