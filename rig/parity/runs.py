"""All attempts that two runs have in common, and what share of their signals was in band."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rig.parity.attempts import AttemptParity, SignalParity, compare_attempts
from rig.parity.bands import Bands
from rig.recording import Ended, RecordError, RunRecord, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Parity:
    """Two runs: their common attempts, and what could not be compared, with the reason."""

    attempts: tuple[AttemptParity, ...]
    failures: tuple[str, ...]

    @property
    def compared_s(self) -> float:
        """Signal-seconds that were compared."""
        return sum(each.compared_s for each in self.attempts)

    @property
    def in_band_pct(self) -> float | None:
        """The share of signal-seconds in band, in percent; None where nothing was compared."""
        if not self.compared_s:
            return None
        return 100.0 * (1.0 - sum(each.outside_s for each in self.attempts) / self.compared_s)

    @property
    def same_verdicts(self) -> bool:
        """Whether every attempt has the same verdict in both."""
        return all(each.verdicts[0] == each.verdicts[1] for each in self.attempts)

    @property
    def out_of_band(self) -> tuple[tuple[AttemptParity, SignalParity], ...]:
        """Every signal that was out of band anywhere, the longest first."""
        found = [(one, each) for one in self.attempts for each in one.signals if not each.in_band]
        return tuple(sorted(found, key=lambda pair: -pair[1].outside_s))


def compare_runs(first: RunRecord, second: RunRecord, bands: Bands) -> Parity:
    """Compare what both runs attempted on the same release. Raises RecordError for no record."""
    ours, theirs = _attempts(first), _attempts(second)
    found, failures = [], []
    for key, end in ours.items():
        if key not in theirs:
            continue
        try:
            ends = (end, theirs[key])
            found.append(compare_attempts((first.folder, second.folder), ends, bands))
        except RecordError as error:
            failures.append(f"{end.attempt}: {_beside(error, first.folder, second.folder)}")
    return Parity(attempts=tuple(found), failures=tuple(failures))


def _attempts(record: RunRecord) -> Mapping[tuple[str, str, int, str | None], Ended]:
    return {
        (end.item, end.test, end.number, end.firmware): end for end in _that_ran(record.entries())
    }


def _that_ran(entries: tuple[object, ...]) -> Iterator[Ended]:
    """What has evidence to compare: an attempt that was not run has none."""
    for entry in entries:
        if isinstance(entry, Ended) and entry.verdict is not Verdict.NOT_RUN:
            yield entry


def _beside(error: RecordError, *folders: Path) -> str:
    text = str(error)
    for folder in folders:
        text = text.replace(f"{folder}/", f"{folder.name}/")
    return text
