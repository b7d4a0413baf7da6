"""Verify that a stage's inputs exist and have the recorded size and checksum.

stage.py does so before each stage. To check the inputs named in a stage's rule by hand:

    staging_check.py scratch/<sample>/qc/stage.json scratch/<sample>/qc/reads

It exits with 75 (EX_TEMPFAIL, "try again") if an input differs from what its stage recorded.
"""

import sys
from pathlib import Path

from bactofleet.core.errors import TemporaryFailure
from bactofleet.genome.stage import check_staging as check_inputs

if __name__ == "__main__":
    try:
        check_inputs([Path(name) for name in sys.argv[1:]])
    except TemporaryFailure as failure:
        print(failure, file=sys.stderr)
        sys.exit(failure.exit_code)
