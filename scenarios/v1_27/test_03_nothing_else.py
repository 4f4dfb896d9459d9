"""v1.27-03: nothing else differs from 1.26, but for the defects v1.27-K1 and v1.27-K2.

Less the rows that its log lists, 1.27 leaves the same traces as 1.26 under all reference stimuli.
"""

import pytest

from rig import Bench
from scenarios import reference_stimuli as stimuli

pytestmark = pytest.mark.item("v1.27-03")


@pytest.mark.parametrize("stimulus", stimuli.ALL)
async def test_nothing_but_the_rows_listed_differs(
    bench: Bench, stimulus: stimuli.Stimulus
) -> None:
    await stimuli.same_traces(bench, stimulus)
