"""A bundle tells every change that was made to it, and names it."""

import io
import random
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rig.recording import RecordError, RunRecord, unpack_bundle, verify_record, write_bundle

FLIPS, FLIPS_NIGHTLY = 300, 10_000
FRAMES = "attempts/v1.08-04/test_a-1/frames.blf"


@pytest.fixture
def bundle(sealed: RunRecord, tmp_path: Path) -> Path:
    (sealed.folder / "report.html").write_text("<p>a view</p>")
    path = tmp_path / "run.zip"
    write_bundle(sealed.folder, "r1", path)
    return path


@pytest.fixture
def unpacked(tmp_path: Path) -> Iterator[Path]:
    """A new empty folder each time."""
    folders = (tmp_path / f"unpacked-{n}" for n in range(1_000_000))

    def each() -> Iterator[Path]:
        for folder in folders:
            folder.mkdir()
            yield folder

    return each()


def found_in(bundle: Path, folder: Path) -> list[str]:
    """All that is wrong with a bundle and the record in it."""
    return [*unpack_bundle(bundle, folder), *verify_record_or_nothing(folder)]


def verify_record_or_nothing(folder: Path) -> tuple[str, ...]:
    try:
        return verify_record(folder).problems
    except RecordError as error:
        return (str(error),)


def test_a_bundle_holds_the_whole_run_and_is_sound(
    bundle: Path, sealed: RunRecord, unpacked: Iterator[Path]
) -> None:
    folder = next(unpacked)

    assert found_in(bundle, folder) == []
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {
        path.relative_to(sealed.folder).as_posix()
        for path in sealed.folder.rglob("*")
        if path.is_file()
    }


def test_another_program_opens_a_bundle(bundle: Path, sealed: RunRecord) -> None:
    with zipfile.ZipFile(bundle) as archive:
        assert archive.testzip() is None
        assert archive.read(FRAMES) == (sealed.folder / FRAMES).read_bytes()


def test_the_same_run_gives_the_same_bytes(bundle: Path, sealed: RunRecord, tmp_path: Path) -> None:
    write_bundle(sealed.folder, "r1", tmp_path / "again.zip")

    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()


def flip(content: bytes, bit: int) -> bytes:
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def undetected(bundle: Path, unpacked: Iterator[Path], bits: list[int]) -> list[int]:
    """The bits whose flip nobody would notice."""
    content, missed = bundle.read_bytes(), []
    target = bundle.with_name("flipped.zip")
    for bit in bits:
        target.write_bytes(flip(content, bit))
        if not found_in(target, next(unpacked)):
            missed.append(bit)
    return missed


def test_every_flipped_bit_is_detected(bundle: Path, unpacked: Iterator[Path]) -> None:
    bits = random.Random(8).sample(range(bundle.stat().st_size * 8), FLIPS)

    assert undetected(bundle, unpacked, bits) == []


@pytest.mark.nightly
def test_ten_thousand_flipped_bits_are_detected(bundle: Path, unpacked: Iterator[Path]) -> None:
    bits = random.Random(9).sample(range(bundle.stat().st_size * 8), FLIPS_NIGHTLY)

    assert undetected(bundle, unpacked, bits) == []


def test_a_flip_in_any_part_of_a_header_is_detected(bundle: Path, unpacked: Iterator[Path]) -> None:
    """The headers are a small part of the bytes, which chance would seldom hit."""
    content = bundle.read_bytes()
    second = content.index(b"PK\x03\x04", 4)
    central = content.index(b"PK\x01\x02")
    places = [*range(30), *range(second, second + 30), *range(central, central + 46)]
    places += range(len(content) - 22, len(content))

    assert undetected(bundle, unpacked, [place * 8 + 3 for place in places]) == []


def test_a_flip_in_evidence_is_named(bundle: Path, unpacked: Iterator[Path]) -> None:
    content = bundle.read_bytes()
    place = content.index(b"frames of v1.08-04/test_a/1")
    bundle.write_bytes(flip(content, place * 8))

    assert found_in(bundle, next(unpacked))[0] == (
        f"{FRAMES}: differs from its SHA-256 in bundle.json"
    )


def packed_again(bundle: Path, change: dict[str, bytes | None]) -> None:
    """The archive as an ordinary ZIP program leaves it, with members changed or gone."""
    with zipfile.ZipFile(bundle) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    members |= {name: content for name, content in change.items() if content is not None}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in members.items():
            if change.get(name, b"") is not None:
                archive.writestr(name, content)
    bundle.write_bytes(target.getvalue())


def test_a_removed_member_is_named(bundle: Path, unpacked: Iterator[Path]) -> None:
    packed_again(bundle, {FRAMES: None})

    assert f"{FRAMES}: missing from the bundle" in found_in(bundle, next(unpacked))


def test_a_changed_member_is_named(bundle: Path, unpacked: Iterator[Path]) -> None:
    packed_again(bundle, {"verdicts.json": b"{}"})

    assert "verdicts.json: differs from its SHA-256 in bundle.json" in found_in(
        bundle, next(unpacked)
    )


def test_an_added_member_is_named(bundle: Path, unpacked: Iterator[Path]) -> None:
    packed_again(bundle, {"extra.txt": b"x"})

    assert "extra.txt: in the bundle, but not in bundle.json" in found_in(bundle, next(unpacked))


def test_evidence_removed_before_bundling_is_named(
    sealed: RunRecord, tmp_path: Path, unpacked: Iterator[Path]
) -> None:
    (sealed.folder / FRAMES).unlink()
    path = tmp_path / "less.zip"
    write_bundle(sealed.folder, "r1", path)

    assert f"{FRAMES}: missing, though manifest.json lists it" in found_in(path, next(unpacked))


def test_a_bundle_cannot_write_outside_its_folder(bundle: Path, unpacked: Iterator[Path]) -> None:
    packed_again(bundle, {"../outside.txt": b"x"})
    folder = next(unpacked)

    found_in(bundle, folder)

    assert not (folder.parent / "outside.txt").exists()


def test_a_cut_bundle_is_told(bundle: Path, unpacked: Iterator[Path]) -> None:
    content = bundle.read_bytes()
    for length in (0, 10, 500, len(content) - 1):
        bundle.write_bytes(content[:length])

        assert found_in(bundle, next(unpacked)), length


def test_a_file_that_is_no_bundle_is_told(tmp_path: Path, unpacked: Iterator[Path]) -> None:
    path = tmp_path / "notes.zip"
    path.write_text("no archive at all")

    assert "bundle.json is missing" in found_in(path, next(unpacked))[1]


def test_a_name_that_no_bundle_may_hold_is_refused(sealed: RunRecord, tmp_path: Path) -> None:
    (sealed.folder / "attempts" / "a:b").write_text("x")

    with pytest.raises(RecordError, match="allowed in a bundle"):
        write_bundle(sealed.folder, "r1", tmp_path / "odd.zip")
