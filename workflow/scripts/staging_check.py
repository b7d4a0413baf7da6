"""Verify a stage's inputs: present, as long as recorded, with the checksum recorded.

Exits 75 (EX_TEMPFAIL), "try again", where one is not.
"""

import sys

from bactofleet.genome.stage import run_staging_check

if __name__ == "__main__":
    sys.exit(run_staging_check())
