"""A stage: what it leaves, what it passes on, and what its exit status says of another attempt."""

import errno
import os
import re
import resource
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from bactopia.parsers.error import parse_errors
from staging_check import check_inputs
from support.stages import FOLDERS, Genome

from bactofleet.core import versions
from bactofleet.core.errors import Excluded, ToolFailure
from bactofleet.core.samples import Sample
from bactofleet.genome.stage import Stage, StageFunction, run_command
from snakemake_executor_plugin_aws_batch_array.api import EXIT_CODE_FILE


@pytest.fixture
def genome(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Genome:
    image = tmp_path / "versions.json"
    image.write_text('{"fastp": "0.24.0"}')
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", image)
    return Genome(tmp_path)


def make_reads(stage: Stage) -> None:
    """Make a file for the next stage and one of the result."""
    stage.use("fastp")
    (stage.folder / "reads").mkdir(exist_ok=True)
    (stage.folder / "reads/x.fastq.gz").write_bytes(b"some reads")
    stage.publish("x.txt").write_text("a result")
    stage.record.metrics["reads"] = 7


def leave_a_temporary_file(stage: Stage) -> None:
    (stage.work / "temporary").write_text("data")


def exclude(stage: Stage) -> None:
    raise Excluded("low-read-count", "12 reads, fewer than 7,472 (min_reads)")


def raising(error: Exception) -> StageFunction:
    def function(stage: Stage) -> None:
        raise error

    return function


def running(script: str) -> StageFunction:
    return lambda stage: stage.tools.run(["sh", "-c", script])


def never(stage: Stage) -> None:
    pytest.fail("this stage was not to be run")


# --- a stage that ends well -----------------------------------------------------------------------


def test_a_stage_leaves_its_files_and_a_record_of_them(genome: Genome) -> None:
    status = genome.run("qc", make_reads)

    record = genome.record("qc")
    assert status == 0
    assert (record.sample, record.stage, record.excluded) == ("S1", "qc", None)
    assert (record.metrics, record.versions) == ({"reads": 7}, {"fastp": "0.24.0"})
    assert set(record.files) == {"reads/x.fastq.gz", "publish/main/qc/x.txt"}
    assert record.files["reads/x.fastq.gz"]["bytes"] == 10


def test_usage_of_the_tools_is_recorded(genome: Genome) -> None:
    genome.run("qc", running("i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done"))

    usage = genome.record("qc").usage
    assert usage["seconds"] > 0
    assert usage["cpu_seconds"] > 0.01
    assert usage["max_rss_mb"] > 1


def test_what_an_attempt_before_has_left_is_removed_and_the_working_folder_too(
    genome: Genome,
) -> None:
    genome.folder("qc").mkdir(parents=True)
    (genome.folder("qc") / "half").write_text("of a file")

    genome.run("qc", leave_a_temporary_file)

    left = sorted(path.name for path in genome.folder("qc").rglob("*"))
    assert left == ["publish", "reads", "stage.json"]


def test_a_tool_may_use_the_memory_of_the_job_less_one_gigabyte(genome: Genome) -> None:
    seen: list[int] = []

    genome.run("qc", lambda stage: seen.append(stage.memory_gb))

    assert seen == [3]


def test_an_attempt_that_ends_well_removes_the_failure_of_the_one_before(genome: Genome) -> None:
    genome.run("qc", raising(OSError(errno.EIO, "input/output error")))

    genome.run("qc", make_reads, attempt=2)

    assert list(genome.failures.iterdir()) == []


@pytest.mark.parametrize("name", ["with space", "Doe, J", "it's", "a;b&c"])
def test_tools_get_paths_of_one_word_wherever_scratch_is(
    genome: Genome, tmp_path: Path, name: str
) -> None:
    there = Genome(tmp_path / name)
    seen: list[Path] = []

    def work(stage: Stage) -> None:
        seen.extend([stage.folder, stage.work, *stage.inputs.values()])
        assert (stage.inputs["download"] / "reads/x.fastq.gz").read_bytes() == b"some reads"
        make_reads(stage)

    assert there.run("download", make_reads) == 0
    assert there.run("qc", work, inputs=["download"]) == 0

    assert not [path for path in seen if not re.fullmatch(r"[\w./+-]+", str(path))]
    assert set(there.record("qc").files) == {"reads/x.fastq.gz", "publish/main/qc/x.txt"}
    assert not [path for path in seen if path.exists()]


# --- what it is made of ---------------------------------------------------------------------------


def test_the_stages_of_a_genome_pass_on_what_it_is_made_of(genome: Genome) -> None:
    genome.run("download", make_reads)
    genome.run("qc", make_reads, inputs=["download"])
    genome.run("assembly", make_reads, inputs=["download", "qc"])

    assert genome.record("assembly").identity == genome.identity().to_json()


def test_stages_that_were_made_of_another_row_are_not_gone_on_with(genome: Genome) -> None:
    genome.run("download", make_reads)
    genome.planned = Sample("S1", accession="SRR2")

    status = genome.run("qc", never, inputs=["download"])

    assert status == 75
    assert "download was made of other input or with other settings" in genome.failure()["message"]


def test_stages_that_were_made_in_another_image_are_not_gone_on_with(
    genome: Genome, tmp_path: Path
) -> None:
    genome.run("download", make_reads)
    (tmp_path / "versions.json").write_text('{"fastp": "0.25.0"}')

    status = genome.run("qc", never, inputs=["download"])

    assert status == 75
    assert "download was made in another image" in genome.failure()["message"]


# --- biology --------------------------------------------------------------------------------------


def test_an_excluded_genome_is_no_failure_and_leaves_bactopias_error_file(genome: Genome) -> None:
    status = genome.run("download", exclude)

    error = genome.published("download", "main/gather/S1-low-read-count-error.txt")
    assert status == 0
    assert error.read_text() == (
        "S1 was excluded at download: 12 reads, fewer than 7,472 (min_reads).\n"
    )
    assert genome.record("download").excluded == {
        "type": "low-read-count",
        "stage": "download",
        "message": "12 reads, fewer than 7,472 (min_reads)",
    }
    assert not genome.failures.exists()


@pytest.mark.parametrize(
    ("stage", "folder"),
    [
        ("download", "main/gather"),
        ("qc", "main/qc"),
        ("assembly", "main/assembler"),
        ("typing", "main/sketcher"),
        ("annotation", "main/annotator/prokka"),
    ],
)
def test_the_error_file_lies_where_bactopia_puts_it(
    genome: Genome, stage: str, folder: str
) -> None:
    genome.run(stage, exclude)

    assert genome.published(stage, f"{folder}/S1-low-read-count-error.txt").is_file()


def test_bactopias_parser_finds_the_reason_of_a_genome_with_hyphens_in_its_name(
    tmp_path: Path,
) -> None:
    genome = Genome(tmp_path, sample="2024-05-01-a")

    genome.run("download", exclude)

    (error,) = parse_errors(genome.folder("download"), genome.sample)
    assert error["error_type"] == "low-read-count"
    assert "Undocumented" not in error["description"]


def test_files_made_before_the_exclusion_are_kept(genome: Genome) -> None:
    def function(stage: Stage) -> None:
        make_reads(stage)
        exclude(stage)

    genome.run("qc", function)

    assert genome.published("qc", "main/qc/x.txt").is_file()
    assert "publish/main/qc/x.txt" in genome.record("qc").files


def test_exclusion_is_passed_on_from_stage_to_stage_which_do_nothing(genome: Genome) -> None:
    genome.run("download", exclude)

    assert genome.run("qc", never, inputs=["download"]) == 0
    assert genome.run("assembly", never, inputs=["download", "qc"]) == 0

    assert genome.record("assembly").excluded == genome.record("download").excluded


def test_an_excluded_genome_is_published_all_the_same(genome: Genome) -> None:
    genome.run("download", exclude)
    seen: list[object] = []

    status = genome.run(
        "publish", lambda stage: seen.append(stage.record.excluded), inputs=["download"]
    )

    assert status == 0
    assert seen == [genome.record("download").excluded]


# --- failures -------------------------------------------------------------------------------------

FULL = OSError(errno.ENOSPC, "No space left on device", "/scratch/x")


@pytest.mark.parametrize(
    ("function", "status", "kind"),
    [
        (raising(FULL), 75, "infrastructure"),
        (raising(OSError(errno.EDQUOT, "Disk quota exceeded")), 75, "infrastructure"),
        (raising(OSError(errno.EIO, "Input/output error")), 75, "infrastructure"),
        (raising(FileNotFoundError(errno.ENOENT, "gone", "x")), 75, "infrastructure"),
        (raising(MemoryError()), 137, "infrastructure"),
        (running("kill -9 $$"), 137, "infrastructure"),
        (running("kill -ILL $$"), 132, "infrastructure"),
        (running("exit 2"), 1, "tool"),
        (running("exit 75"), 1, "tool"),
        (raising(ToolFailure("no .gff file")), 1, "tool"),
        (raising(ValueError("a fault of our own")), 1, "tool"),
    ],
    ids=[
        *("disk full", "quota", "input/output error", "file gone", "memory error", "SIGKILL"),
        *("SIGILL", "exit 2", "exit 75", "tool failure", "own fault"),
    ],
)
def test_the_exit_status_says_what_another_attempt_would_need(
    genome: Genome, function: StageFunction, status: int, kind: str
) -> None:
    assert genome.run("assembly", function) == status

    failure = genome.failure()
    assert (failure["exit_code"], failure["kind"]) == (status, kind)


def test_a_log_that_is_shown_cannot_steer_the_terminal(
    genome: Genome, capfd: pytest.CaptureFixture[str]
) -> None:
    genome.run("assembly", running(r"printf '\033]0;owned\007  said\302\205\n'; exit 2"))

    assert "  said" in capfd.readouterr().err.splitlines()


def test_a_failure_tells_stage_message_attempt_and_the_end_of_the_log(
    genome: Genome, capfd: pytest.CaptureFixture[str]
) -> None:
    genome.run("assembly", running("seq 1 30; exit 2"), attempt=2)

    failure = genome.failure()
    assert (failure["sample"], failure["stage"], failure["attempt"]) == ("S1", "assembly", 2)
    assert failure["message"] == "sh ended with exit status 2"
    assert failure["log"] == str(genome.log("assembly"))
    assert failure["tail"] == genome.log("assembly").read_text().splitlines()[-15:]
    assert failure["tail"][-1] == "S1 failed at assembly: sh ended with exit status 2"
    assert capfd.readouterr().err.splitlines() == failure["tail"]


def test_a_fault_of_our_own_leaves_its_traceback_in_the_log(genome: Genome) -> None:
    genome.run("assembly", raising(ValueError("surprise")))

    assert "Traceback" in genome.log("assembly").read_text()
    assert genome.failure()["message"] == "ValueError: surprise"


def test_a_failed_stage_leaves_no_record_that_could_be_taken_for_finished(genome: Genome) -> None:
    genome.run("assembly", running("exit 1"))

    assert not (genome.folder("assembly") / "stage.json").exists()


def test_an_executor_that_asks_is_told_the_exit_status_in_a_file(
    genome: Genome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(EXIT_CODE_FILE, str(genome.root / "exit-code"))

    genome.run("assembly", running("kill -9 $$"))

    assert EXIT_CODE_FILE == "SNAKEMAKE_JOB_EXIT_CODE_FILE"
    assert (genome.root / "exit-code").read_text().splitlines() == [
        "137",
        "assembly: sh was killed: out of memory",
    ]


@pytest.mark.parametrize("where", ["log", "failures"])
def test_a_record_that_cannot_be_written_leaves_the_exit_status(
    genome: Genome, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    monkeypatch.setenv(EXIT_CODE_FILE, str(genome.root / "exit-code"))
    (genome.root / ("logs" if where == "log" else "failed")).write_text("a file, not a folder")

    status = genome.run("assembly", raising(FULL))

    assert status == 75
    assert (genome.root / "exit-code").read_text().startswith("75\n")


def test_a_disk_that_takes_not_one_byte_more_is_a_reason_to_try_again(genome: Genome) -> None:
    # Every write to a file fails, that to the log included, as on a full disk.
    code = """
import sys
from contextlib import suppress
from bactofleet.genome.stage import parse_arguments, run_stage
sys.exit(run_stage(lambda stage: 0, parse_arguments(), lambda folders: None))
"""

    done = subprocess.run(
        [sys.executable, "-c", code, *genome.arguments("qc", inputs=[])],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        check=False,
    )

    assert done.returncode == 75


# --- repeated attempts ----------------------------------------------------------------------------


def test_a_final_failure_is_not_run_again(genome: Genome) -> None:
    genome.run("assembly", running("exit 1"))

    assert genome.run("assembly", never, attempt=2) == 1


@pytest.mark.parametrize("how", ["kill -9 $$", "kill -ILL $$"])
def test_a_failure_of_the_infrastructure_is_run_again(genome: Genome, how: str) -> None:
    genome.run("assembly", running(how))

    assert genome.run("assembly", make_reads, attempt=2) == 0


def test_a_final_failure_is_final_for_the_stages_before_it_too(genome: Genome) -> None:
    genome.run("assembly", running("exit 1"))
    genome.log("assembly").unlink()

    assert genome.run("qc", never, attempt=2) == 1
    assert "exit status 1" in genome.log("assembly").read_text()


def test_a_final_failure_of_an_earlier_run_is_no_obstacle(genome: Genome) -> None:
    genome.run("assembly", running("exit 1"), attempt=2)

    assert genome.run("qc", make_reads, attempt=1) == 0
    assert genome.run("assembly", make_reads, attempt=1) == 0


# --- the staging check ----------------------------------------------------------------------------


@pytest.fixture
def reads(genome: Genome) -> Path:
    """Return the file that a finished qc stage has left for the next one."""
    genome.run("qc", make_reads)
    return genome.folder("qc") / "reads/x.fastq.gz"


def test_what_is_as_it_was_recorded_passes(genome: Genome, reads: Path) -> None:
    assert genome.run("assembly", make_reads, inputs=["qc"]) == 0


def test_a_missing_file_is_named(genome: Genome, reads: Path) -> None:
    reads.unlink()

    assert genome.run("assembly", never, inputs=["qc"]) == 75
    assert f"{reads} cannot be read to its end" in genome.failure()["message"]


def test_a_short_file_is_named_with_both_sizes(genome: Genome, reads: Path) -> None:
    reads.write_bytes(b"some")

    assert genome.run("assembly", never, inputs=["qc"]) == 75
    assert genome.failure()["message"] == f"{reads} has 4 bytes, not 10"


def test_a_changed_file_of_the_same_size_is_named(genome: Genome, reads: Path) -> None:
    reads.write_bytes(b"same reads")

    assert genome.run("assembly", never, inputs=["qc"]) == 75
    assert "does not have the checksum that was recorded" in genome.failure()["message"]


def test_a_file_that_cannot_be_read_is_named(genome: Genome, reads: Path) -> None:
    reads.unlink()
    reads.symlink_to(reads)  # a loop: ELOOP when it is opened

    assert genome.run("assembly", never, inputs=["qc"]) == 75
    assert f"{reads} cannot be read to its end" in genome.failure()["message"]


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"sample": "S1"}', '{"unknown": 1}'])
def test_a_record_that_is_missing_or_broken_is_named(
    genome: Genome, reads: Path, text: str | None
) -> None:
    record = genome.folder("qc") / "stage.json"
    record.unlink()
    if text is not None:
        record.write_text(text)

    assert genome.run("assembly", never, inputs=["qc"]) == 75
    assert f"{record} cannot be read" in genome.failure()["message"]


def test_a_folder_that_is_no_input_may_be_gone(genome: Genome, reads: Path) -> None:
    reads.unlink()

    check_inputs([genome.folder("qc") / "stage.json", genome.folder("qc") / "publish"])


def test_a_file_that_nobody_recorded_is_of_no_concern(genome: Genome, reads: Path) -> None:
    (reads.parent / "other").touch()

    assert genome.run("assembly", make_reads, inputs=["qc"]) == 0


def test_an_excluded_genome_has_all_folders_that_its_rules_declare(genome: Genome) -> None:
    genome.run("download", exclude)
    genome.run("qc", never, inputs=["download"])

    for stage in ("download", "qc"):
        assert all((genome.folder(stage) / name).is_dir() for name in FOLDERS[stage])


def test_the_staging_check_can_be_run_by_hand(genome: Genome, reads: Path) -> None:
    script = Path(__file__).parents[2] / "workflow/scripts/staging_check.py"
    command = [sys.executable, str(script), *genome.outputs("qc")]
    assert subprocess.run(command, check=False).returncode == 0

    reads.write_bytes(b"some")

    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (75, f"{reads} has 4 bytes, not 10\n")


@pytest.mark.parametrize("end", [ToolFailure("no"), KeyboardInterrupt()])
def test_work_goes_however_a_stage_ends(genome: Genome, end: BaseException) -> None:
    def function(stage: Stage) -> None:
        (stage.work / "large").write_text("data")
        raise end

    with suppress(KeyboardInterrupt):
        genome.run("qc", function)

    assert not (genome.folder("qc") / "work").exists()


def test_a_log_begins_with_what_a_machine_lacks_to_confine_tools(
    genome: Genome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the stages that are confined look for it."""
    monkeypatch.setattr(
        "bactofleet.genome.stage.confine", lambda *_: ["Landlock is not available here"]
    )
    for name in ("download", "qc"):
        monkeypatch.setattr(f"bactofleet.genome.{name}.run", make_reads)
        assert run_command(check_inputs, genome.arguments(name, inputs=[])) == 0

    assert genome.log("qc").read_text() == "NOTE: Landlock is not available here\n"
    assert genome.log("download").read_text() == ""
