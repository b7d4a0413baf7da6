"""Run the download stage of one genome (bactofleet.stages.download)."""

import sys

from bactofleet.stage import run_stage
from bactofleet.stages.download import run

if __name__ == "__main__":
    sys.exit(run_stage(run))
