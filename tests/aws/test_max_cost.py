"""`max_cost` with real genomes on the emulated AWS: a limit that is reached while a run goes on."""

from collections import Counter
from pathlib import Path

from aws.controller import wait_until
from aws.emulator.client import EmulatedAWS
from aws.genome_controller import TIMEOUT_S, Genomes
from support.usage import make_row, write_usage


def test_a_run_that_reaches_max_cost_ends_what_it_began_and_a_higher_limit_goes_on(
    aws: EmulatedAWS, tmp_path: Path
) -> None:
    samples = dict.fromkeys(("one", "two"), ("plasmid_R1",))
    controller = Genomes(aws, tmp_path / "project", samples, "results/limited")
    options = controller.arguments

    # One job at a time, which does not end before the limit is reached.
    controller.arguments = [*options, "max_cost=20", "--jobs", "1"]
    aws.hold("s3:PutObject", "*/results/limited/*")
    with controller.started(*controller.arguments) as process:
        wait_until(lambda: "Submitted 1 jobs" in controller.log)
        write_usage(controller.folder / "results", [make_row("elsewhere", stopped=300 * 3600)])
        wait_until(lambda: "No more jobs are submitted" in controller.log)
        aws.clear_faults()
        assert process.wait(TIMEOUT_S) == 1

    assert "max_cost: $20.00 is reached: $" in controller.log
    assert len(aws.containers()) == 1
    statuses = Counter(row["status"] for row in controller.get_table("cohort.tsv"))
    assert statuses == {"complete": 1, "waiting": 1}

    assert controller.run_genomes() == 0, controller.log
    assert "the rest is not enough for any of the 1 genome" in controller.log
    assert len(aws.containers()) == 1

    controller.arguments = [*options, "max_cost=1000"]
    assert controller.run_genomes() == 0, controller.log
    statuses = Counter(row["status"] for row in controller.get_table("cohort.tsv"))
    assert statuses == {"complete": 2}
    assert len(aws.containers()) == 2
