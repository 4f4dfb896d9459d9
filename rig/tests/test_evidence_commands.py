"""`hil report`, `hil verify`, `hil export` on a run of two rows."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import can
import pytest

from rig import cli, planning
from rig.recording import RunRecord, read_manifest, write_manifest

ROOT = Path(__file__).parents[2]
FRAMES = "attempts/v1.08-04"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "two"
    command = [sys.executable, "-m", "rig.cli", "qualify", "--out", str(folder), "--jobs", "1"]
    command += ["--only", "v1.08-04", "--only", "v1.33-03"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return folder


@pytest.fixture
def run(recorded, tmp_path):
    return Path(shutil.copytree(recorded, tmp_path / "run"))


@pytest.fixture
def hil(monkeypatch, capsys):
    def call(*arguments):
        monkeypatch.setattr("sys.argv", ["hil", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return call


def frames_of(run):
    return next((run / FRAMES).rglob("frames.blf"))


def test_a_qualification_seals_its_record(run):
    manifest = read_manifest(run / "manifest.json")

    assert {each.path for each in manifest.files} >= {"plan.json", "journal.jsonl", "pytest.log"}


def test_the_record_says_what_stood_on_the_bench_and_what_ran(run):
    facts = RunRecord(run).plan().run

    assert facts.bench_facts.kind == "simulated"
    assert [each.role for each in facts.bench_facts.instruments] == ["charger", "load", "daq"]
    assert {"revision", "local_changes", "requirements.lock", "system"} <= set(facts.software)


def test_a_report_is_a_page_and_a_pdf_and_the_same_again(hil, run):
    code, out, _ = hil("report", run)
    first = [(run / name).read_bytes() for name in ("report.html", "report.pdf")]
    hil("report", run)

    assert code == 0
    assert "NO RELEASE: 207 rows NOT RUN (not selected), and no deviation accepts it" in out
    assert [(run / name).read_bytes() for name in ("report.html", "report.pdf")] == first


def test_what_a_report_is_given_is_kept_with_the_run(hil, run, tmp_path):
    lab = tmp_path / "mine.toml"
    lab.write_text('[lab]\nname = "Here"\n')
    hil("report", run, "--lab", lab, "--no-pdf")
    hil("report", run, "--no-pdf")

    assert "<dd>Here</dd>" in (run / "report.html").read_text()
    assert not (run / "report.pdf").exists()


def test_a_report_of_altered_evidence_is_invalid(hil, run):
    frames_of(run).write_bytes(b"forged")

    code, out, _ = hil("report", run, "--no-pdf", "--json")

    assert code == 1
    assert json.loads(out)["release"] == "INVALID"


def test_a_sound_run_is_found_sound(hil, run):
    code, out, _ = hil("verify", run)

    assert code == 0
    assert "207 not run" in out
    assert out.rstrip().endswith("sound")


def test_a_record_without_its_manifest_is_not_sound(hil, run):
    (run / "manifest.json").unlink()

    code, said, _ = hil("verify", str(run))

    assert code == 1
    assert "nothing vouches for this record" in said


def test_the_number_on_paper_is_held_against_the_record(hil, run):
    number = read_manifest(run / "manifest.json").sha256

    assert hil("verify", run, "--manifest", number)[0] == 0
    assert hil("verify", run, "--manifest", "0" * 64)[0] == 1


def test_altered_evidence_is_found(hil, run):
    path = frames_of(run)
    path.write_bytes(b"forged")

    code, out, _ = hil("verify", run)

    assert code == 1
    assert path.relative_to(run).as_posix() in out


def test_a_run_again_gives_the_same_digests(hil, run):
    code, out, _ = hil("verify", run, "--rerun", "--jobs", "1", "--json")

    found = json.loads(out)
    assert code == 0
    assert (
        f"{found['attempts']} attempts were run again, 0 with another outcome" in found["remarks"]
    )


def test_a_digest_that_does_not_come_out_again_is_named(hil, run):
    for name in ("manifest.json", "verdicts.json"):
        (run / name).unlink()
    lines = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    ends = [line for line in lines if line["what"] == "END" and line["item"] == "v1.08-04"]
    ends[0]["digest"] = "0" * 64
    (run / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    RunRecord(run).finish("2026-11-22T18:00:00Z")

    code, out, _ = hil("verify", run, "--rerun", "--jobs", "1")

    assert code == 1
    assert f"{ends[0]['attempt']}: another event record: 000000000000 in the record" in out


OTHER_BENCHES = {
    "of another kind": ('"kind":"simulated"', '"kind":"wire"', "bench sim is wire; only sim runs"),
    "of another file": (
        '"sha256":"',
        '"sha256":"0',
        "the file of bench sim is not the one that ran",
    ),
}


@pytest.mark.parametrize(("old", "new", "said"), OTHER_BENCHES.values(), ids=OTHER_BENCHES)
def test_on_a_bench_that_is_not_here_nothing_is_run_again(hil, run, old, new, said):
    text = (run / "plan.json").read_text()
    facts = text.index('"bench_facts"')
    _reseal(run, text[:facts] + text[facts:].replace(old, new, 1))

    code, out, _ = hil("verify", run, "--rerun")

    assert code == 1
    assert f"--rerun: {said}" in out


def test_a_scenario_that_changed_is_not_run_again(hil, run):
    for name in ("manifest.json", "verdicts.json"):
        (run / name).unlink()
    record = RunRecord(run)
    content = json.loads((run / "plan.json").read_text())
    shas = [row["scenario_sha256"] for row in content["rows"] if row["firmware"]]
    text = (run / "plan.json").read_text().replace(shas[0], "0" * 64).replace(shas[1], "1" * 64)
    (run / "plan.json").write_text(_with_hash(text))
    record.finish("2026-11-22T18:00:00Z")

    code, out, _ = hil("verify", run, "--rerun", "--jobs", "1")

    assert code == 1
    assert "v1.08-04: its scenario is not the one that ran; it cannot run again" in out


def _with_hash(text):
    import hashlib

    from rig.recording import canonical_json

    content = json.loads(text)
    del content["sha256"]
    sha256 = hashlib.sha256(canonical_json(content).encode()).hexdigest()
    return canonical_json({**content, "sha256": sha256}) + "\n"


def test_a_bundle_is_one_file_that_is_found_sound(hil, run, tmp_path):
    path = tmp_path / "run.zip"

    assert hil("export", run, "--bundle", path)[0] == 0
    assert hil("verify", path)[0] == 0


def test_a_flipped_bit_of_a_bundle_is_found(hil, run, tmp_path):
    path = tmp_path / "run.zip"
    hil("export", run, "--bundle", path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)

    assert hil("verify", path)[0] == 1


def test_an_unsound_run_is_bundled_and_said_to_be_so(hil, run, tmp_path):
    frames_of(run).unlink()

    code, out, _ = hil("export", run, "--bundle", tmp_path / "run.zip")

    assert code == 1
    assert "not sound: " in out


def test_frames_are_exported_as_asc(hil, run, tmp_path):
    hil("export", run, "--asc", tmp_path / "asc")

    with can.BLFReader(frames_of(run)) as reader:
        frames = sum(1 for _ in reader)
    asc = next((tmp_path / "asc" / "v1.08-04").glob("*.asc"))
    with can.ASCReader(asc) as reader:
        assert sum(1 for _ in reader) == frames > 100


def test_each_attempt_is_exported_as_mf4(hil, run, tmp_path):
    hil("export", run, "--mf4", tmp_path / "mf4")

    attempts = {path.parent.name for path in (run / "attempts").glob("*/*/trace.json")}
    files = list((tmp_path / "mf4").rglob("*.mf4"))
    content = next(path for path in files if path.parent.name == "v1.08-04").read_bytes()
    assert {path.stem for path in files} == attempts
    assert content.startswith(b"MDF     4.10")
    assert b'<e name="SHA-256 of private.dbc">' in content
    assert b"##EV" in content


def test_each_attempt_is_exported_as_two_tables(hil, run, tmp_path):
    tables = pytest.importorskip("pyarrow.parquet", reason="pyarrow is missing: extra parquet")
    hil("export", run, "--parquet", tmp_path / "tables")

    signals, events = (
        tables.read_table(next((tmp_path / "tables" / "v1.08-04").glob(f"*.{kind}.parquet")))
        for kind in ("signals", "events")
    )
    assert signals.column_names == ["signal", "unit", "time_us", "value"]
    assert "expectation met" in events.column("lane").to_pylist()
    assert json.loads(signals.schema.metadata[b"hil"])["row"] == "v1.08-04"


def test_without_pyarrow_tables_are_one_line(hil, run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    code, _, err = hil("export", run, "--parquet", tmp_path / "tables")

    assert (code, len(err.splitlines())) == (2, 1)
    assert "pip install 'lynx-rig[parquet]'" in err


ROWS = ("--only", "v1.08-04", "--only", "v1.33-03")


def test_where_nothing_was_touched_nothing_is_run(hil, run, tmp_path):
    code, out, _ = hil("qualify", *ROWS, "--since", run, "--out", tmp_path / "again")

    assert code == 0
    assert "there is nothing to run, and no record was made" in out
    assert not (tmp_path / "again").exists()


def test_what_was_touched_is_run_and_the_rest_is_carried_over_as_not_run(hil, run, tmp_path):
    plan = json.loads((run / "plan.json").read_text())
    touched = next(row for row in plan["rows"] if row["id"] == "v1.08-04")["inputs_sha256"]
    _reseal(run, (run / "plan.json").read_text().replace(touched, "0" * 64))

    code, out, _ = hil("qualify", *ROWS, "--since", run, "--jobs", "1", "--out", tmp_path / "again")

    verdicts = json.loads((tmp_path / "again" / "verdicts.json").read_text())
    found = {row["id"]: (row["verdict"], row["reason"]) for row in verdicts["items"]}
    assert (code, found["v1.08-04"]) == (0, ("PASS", ""))
    assert found["v1.33-03"] == ("NOT RUN", "unchanged since two: PASS there")
    assert verdicts["run"]["unchanged_since"]["run"] == "two"
    assert "PARTIAL: what is unchanged since two was not run again" in out


def test_a_row_that_did_not_pass_is_run_again(hil, run, tmp_path):
    lines = [json.loads(line) for line in (run / "journal.jsonl").read_text().splitlines()]
    for line in lines:
        if line["what"] == "END" and line["item"] == "v1.08-04":
            line["verdict"] = "FAIL"
    (run / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    _reseal(run, (run / "plan.json").read_text())

    hil("qualify", *ROWS, "--since", run, "--jobs", "1", "--out", tmp_path / "again")

    plan = RunRecord(tmp_path / "again").plan()
    assert [row.id for row in plan.rows if row.firmware] == ["v1.08-04"]


def _reseal(run, plan):
    (run / "manifest.json").unlink()
    (run / "verdicts.json").unlink()
    (run / "plan.json").write_text(_with_hash(plan))
    RunRecord(run).finish("2026-11-22T18:00:00Z")
    write_manifest(run, "two")


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--firmware", "1.37"), "firmware is 1.38; allowed: 1.37"),
        (("--seed", "2"), "seed is 1; allowed: 2"),
        (("--bench", "wire"), "--since on bench wire"),
    ],
    ids=["firmware", "seed", "bench"],
)
def test_a_run_of_something_else_stands_for_nothing(hil, run, arguments, named):
    code, _, err = hil("qualify", *ROWS, *arguments, "--since", run)

    assert (code, len(err.splitlines())) == (2, 1)
    assert named in err


def test_an_unsound_run_stands_for_nothing(hil, run):
    frames_of(run).write_bytes(b"forged")

    code, _, err = hil("qualify", *ROWS, "--since", run)

    assert code == 2
    assert "allowed: a run that hil verify finds sound" in err


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (("verify", "/nowhere"), ("/nowhere", "a run, or a bundle")),
        (("verify", "RUN", "--manifest", "12"), ("--manifest 12", "64 hexadecimal digits")),
        (("export", "RUN"), ("--bundle FILE",)),
        (("export", "RUN", "--bundle", "x.tar"), ("x.tar", ".zip")),
        (("export", "RUN", "--bundle", "/nowhere/x.zip"), ("/nowhere/x.zip",)),
        (("export", "/nowhere", "--asc", "x"), ("/nowhere",)),
        (("report", "RUN", "--proof", "/nowhere.json"), ("--proof /nowhere.json",)),
        (("report", "RUN", "--lab", "/nowhere.toml"), ("/nowhere.toml",)),
        (("report", "RUN", "--against", "/nowhere"), ("/nowhere",)),
        (("report", "RUN", "--against", "RUN"), ("this very run",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_bad_input_is_one_line_with_exit_code_2(hil, run, arguments, names):
    code, out, err = hil(*(str(run) if each == "RUN" else each for each in arguments))

    assert code == 2
    assert out == ""
    assert len(err.splitlines()) == 1
    assert all(name in err for name in names)


def test_what_is_no_checkout_says_that_its_revision_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(planning, "ROOT", tmp_path)

    found = planning.software()

    assert (found["revision"], found["local_changes"]) == ("unknown", "unknown")
    assert found["requirements.lock"] == "missing"
