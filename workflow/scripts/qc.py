"""Run the qc stage of one genome (bactofleet.stages.qc)."""

import sys

from bactofleet.stage import run_stage
from bactofleet.stages.qc import run

if __name__ == "__main__":
    sys.exit(run_stage(run))
