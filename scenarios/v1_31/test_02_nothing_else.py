"""v1.31-02: nothing else differs from 1.30.

Less the rows that its log lists, 1.31 leaves the same traces as 1.30 under all reference stimuli.
"""

import pytest

from rig import Bench
from scenarios import reference_stimuli as stimuli

pytestmark = pytest.mark.item("v1.31-02")


@pytest.mark.parametrize("stimulus", stimuli.ALL)
async def test_nothing_but_the_rows_listed_differs(
    bench: Bench, stimulus: stimuli.Stimulus
) -> None:
    await stimuli.same_traces(bench, stimulus)
