from pathlib import Path

import can
import pytest

from rig.recording import FrameRecorder

FRAMES = [
    (0, 0, 0x19F21400, True, b"\x01\x02\x03\x04\x05\x06\x07\x08"),
    (1_000_001, 1, 0x7FF, False, b""),
    (3_600_000_000, 2, 0x1FFFFFFF, True, b"\xff"),
]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "frames.blf"


def record(path: Path, count: int = 1, *, killed: bool = False, epoch_s: float = 0.0) -> None:
    """A killed recorder has flushed, and never closed its file."""
    recorder = FrameRecorder(path, epoch_s=epoch_s)
    for _ in range(count):
        for time_us, channel, identifier, extended, data in FRAMES:
            recorder.record(time_us, channel, identifier, extended, data)
    recorder.flush()
    content = path.read_bytes()
    recorder.close()
    if killed:
        path.write_bytes(content)


def read(path: Path) -> list[can.Message]:
    with can.BLFReader(str(path)) as reader:
        return list(reader)


def test_python_can_reads_every_frame_back(path: Path) -> None:
    record(path)

    found = [
        (m.channel, m.arbitration_id, m.is_extended_id, bytes(m.data), m.dlc) for m in read(path)
    ]

    assert found == [
        (0, 0x19F21400, True, b"\x01\x02\x03\x04\x05\x06\x07\x08", 8),
        (1, 0x7FF, False, b"", 0),
        (2, 0x1FFFFFFF, True, b"\xff", 1),
    ]


def test_times_are_kept_to_the_microsecond(path: Path) -> None:
    record(path)

    assert [round(m.timestamp * 1e6) for m in read(path)] == [0, 1_000_001, 3_600_000_000]


def test_an_epoch_makes_the_times_absolute(path: Path) -> None:
    record(path, epoch_s=1_790_000_000.125)

    assert read(path)[1].timestamp == pytest.approx(1_790_000_001.125001, abs=1e-6)


def test_an_error_frame_reads_back_as_one(path: Path) -> None:
    recorder = FrameRecorder(path)
    recorder.record(5, 1, 0, extended=False, data=b"", is_error=True)
    recorder.close()

    (message,) = read(path)

    assert message.is_error_frame
    assert message.channel == 1


@pytest.mark.parametrize("count", [683, 5000], ids=["over one batch", "many batches"])
def test_no_frame_is_lost_between_batches(path: Path, count: int) -> None:
    record(path, count)

    assert len(read(path)) == 3 * count


def test_what_was_flushed_is_readable_without_a_close(path: Path) -> None:
    record(path, 5000, killed=True, epoch_s=1_790_000_000.0)

    messages = read(path)

    assert len(messages) == 15_000
    assert messages[0].timestamp == pytest.approx(1_790_000_000.0)


def test_the_header_counts_the_frames_of_a_killed_run(path: Path) -> None:
    record(path, 10, killed=True)

    with can.BLFReader(str(path)) as reader:
        assert reader.object_count == 30


def test_an_empty_recording_is_a_valid_file(path: Path) -> None:
    FrameRecorder(path).close()

    assert read(path) == []


def test_python_can_itself_would_write_the_same_objects(path: Path, tmp_path: Path) -> None:
    record(path)
    with can.BLFWriter(str(tmp_path / "other.blf"), compression_level=1) as writer:
        for time_us, channel, identifier, extended, data in FRAMES:
            writer.on_message_received(
                can.Message(
                    timestamp=time_us / 1e6,
                    channel=channel,
                    arbitration_id=identifier,
                    is_extended_id=extended,
                    data=data,
                )
            )

    def shown(message: can.Message) -> tuple[object, ...]:
        return str(message), message.channel, bytes(message.data)

    assert [shown(m) for m in read(path)] == [shown(m) for m in read(tmp_path / "other.blf")]
