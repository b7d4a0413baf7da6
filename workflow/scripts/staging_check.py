"""Verify a stage's inputs: present, as long as recorded, with the checksum recorded.

stage.py does so before each stage. By hand, with the inputs that the stage's rule names:

    staging_check.py scratch/<sample>/qc/stage.json scratch/<sample>/qc/reads

It exits 75 (EX_TEMPFAIL), "try again", where one is not as its stage left it.
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
