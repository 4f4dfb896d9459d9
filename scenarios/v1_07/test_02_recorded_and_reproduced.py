"""v1.07-02: 1.07 is the oldest release in the table: its traces are recorded and reproduced.

Nothing earlier is there to compare them with: it leaves the same traces twice, from one state.
"""

import pytest

from rig import Bench
from scenarios import reference_stimuli as stimuli

pytestmark = pytest.mark.item("v1.07-02")


@pytest.mark.parametrize("stimulus", stimuli.ALL)
async def test_its_traces_are_reproduced(bench: Bench, stimulus: stimuli.Stimulus) -> None:
    await stimuli.same_traces(bench, stimulus)
