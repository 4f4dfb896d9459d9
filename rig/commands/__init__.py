"""What `hil` does, one command or family of commands a file; `rig.cli` only parses and prints."""
