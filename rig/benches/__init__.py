"""The benches: how each builds what `rig.bench` shows, and their files."""
