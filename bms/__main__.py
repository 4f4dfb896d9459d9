"""`python -m bms run`: the firmware as a process of its own, on real CAN and the wall clock."""

import sys

from bms.host.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
