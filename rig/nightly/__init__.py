"""The unattended run: planned once, kept up through kills, repeated only where the bench failed."""
