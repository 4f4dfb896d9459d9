"""Readers of log files, one format a file; each gives `raw.Batches`."""
