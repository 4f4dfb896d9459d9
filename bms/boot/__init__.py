"""The primary boot loader: how firmware gets into the master, and what starts when it is on."""
