"""How far a session is, read from a journal that grows."""

import json

from rig.commands.running import _Progress

START = json.dumps({"what": "START", "item": "v1.08-04"})
END = json.dumps({"what": "END", "item": "v1.08-04", "firmware": "1.38", "verdict": "PASS"})
SQUARE = json.dumps({"item": "v1.13-02", "firmware": "1.12", "claimed": False, "measured": "no"})


def test_what_has_come_since_is_read_on(tmp_path):
    journal = tmp_path / "journal.jsonl"
    seen = _Progress(journal)
    seen.look()
    assert (seen.done, seen.last) == (0, "starting")

    journal.write_text(START + "\n" + END + "\n")
    seen.look()
    assert (seen.done, seen.last) == (1, "v1.08-04 on 1.38: PASS")

    with journal.open("a") as file:
        file.write(SQUARE[:20])
    seen.look()
    assert seen.done == 1

    with journal.open("a") as file:
        file.write(SQUARE[20:] + "\nno JSON\n")
    seen.look()
    assert (seen.done, seen.last) == (2, "v1.13-02 on 1.12: DISAGREES")
