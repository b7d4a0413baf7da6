"""Run the assembly stage of one genome (bactofleet.stages.assembly)."""

import sys

from bactofleet.stage import run_stage
from bactofleet.stages.assembly import run

if __name__ == "__main__":
    sys.exit(run_stage(run))
