"""What stands on the bench as device under test: the model, a process, or the real one."""
