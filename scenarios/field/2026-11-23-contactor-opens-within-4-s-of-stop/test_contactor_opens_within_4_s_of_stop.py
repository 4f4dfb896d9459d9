"""Field, 2026-11-23: contactor opens within 4 s of stop.

On 1.07 to 1.08. Cured by v1.09-06. Told in story.md; made from
seeded-case-v1.09-06.log b8075c2f778f1cdb
"""

import pytest

from rig.replay.field import FieldCase, step

CASE = FieldCase(
    when="contactor opens within 4 s of stop",
    faulty=(("1.07", "1.08"),),
    needs={},
    runs=False,
    begins=(),
    steps=(
        step(0, "button"),
        step(8.2, "button"),
    ),
    length_s=15,
    seeds=1,
)


def test_the_release_under_test_does_not_show_it(request: pytest.FixtureRequest) -> None:
    CASE.expect_health(request.config.getoption("--firmware"))


@pytest.mark.parametrize("release", CASE.borders)
def test_it_begins_and_ends_where_it_was_found_to(release: str) -> None:
    CASE.expect_as_found(release)


@pytest.mark.nightly
@pytest.mark.parametrize("release", CASE.releases)
def test_only_these_releases_show_it(release: str) -> None:
    CASE.expect_as_found(release)
