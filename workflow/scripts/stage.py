"""Run one stage of one genome after checking its inputs (bactofleet.genome)."""

import sys

from staging_check import check_inputs

from bactofleet.genome.stage import run_command

if __name__ == "__main__":
    sys.exit(run_command(check_inputs))
