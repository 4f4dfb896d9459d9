"""What a signer must know of a run that is PROVISIONAL or PARTIAL."""

from rig.recording import RunFacts


def cautions_of(run: RunFacts, carried: int) -> list[str]:
    """A sentence a mark; `carried` is how many rows passed in an earlier run only."""
    found = []
    if run.judged_as is not None:
        found.append(
            f"Firmware {run.firmware} is unknown here, and has no claims of its own: the claims of "
            f"{run.judged_as} were held against it. Everything below is PROVISIONAL."
        )
    if run.unchanged_since is not None:
        found.append(
            f"Rows not run here: {carried}. They passed in {run.unchanged_since.run} (manifest "
            f"{run.unchanged_since.manifest_sha256}), and nothing that their verdicts depend on "
            "has changed since. This dossier is PARTIAL, and no full qualification."
        )
    return found
