"""`python -m bactofleet`: the command where its program is not on PATH."""

import sys

from bactofleet.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
