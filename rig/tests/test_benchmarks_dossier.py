"""The dossier's benchmark: that what it times is a sound record of rows that passed."""

from rig.benchmarks_dossier import made_up_run
from rig.recording import Verdict, verify_record
from rig.recording.record import RunRecord


def test_the_made_up_record_is_sound_and_its_rows_passed(tmp_path):
    rows = ["v1.08-04", "v1.08-05"]
    folder = made_up_run(tmp_path / "run", rows)

    passed = [
        item.id for item in RunRecord(folder).verdicts().items if item.verdict is Verdict.PASS
    ]

    assert passed == rows
    assert verify_record(folder).problems == ()
