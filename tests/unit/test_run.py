"""A start of the workflow: the main process checks everything, a job reads what it needs."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from snakemake.exceptions import WorkflowError
from support.usage import make_row, write_usage

from bactofleet import __version__
from bactofleet.core import versions
from bactofleet.core.errors import TemporaryFailure
from bactofleet.core.toolset import needed_programs
from bactofleet.run.workflow import WorkflowRun

SCHEMAS = Path(__file__).parents[2] / "workflow/schemas"
GOOD = "sample\taccession\nS1\tSRR2838702\nS2\tSRR2838703\n"


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory, with a good sheet and no tools on PATH."""
    (tmp_path / "samples.tsv").write_text(GOOD)
    (tmp_path / "bin").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tmp_path


def start(*, is_main: bool = True, **options: object) -> WorkflowRun:
    return WorkflowRun({"samples": "samples.tsv"} | options, SCHEMAS, is_main=is_main)


def start_on(cores: int | None, *, is_dry_run: bool = False) -> WorkflowRun:
    config = {"samples": "samples.tsv"}
    return WorkflowRun(config, SCHEMAS, is_main=True, cores=cores, is_dry_run=is_dry_run)


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture
def references(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the references for species be there, and Mash."""
    (tmp_path / "refseq.msh").touch()
    monkeypatch.setattr(versions, "SKETCH", tmp_path / "refseq.msh")
    install(tmp_path, {"mash"})


def test_references_for_species_that_are_missing_are_named_before_the_run(project: Path) -> None:
    install(
        project,
        needed_programs({"polish": True, "assembler": "skesa", "resistance": True}) | {"mash"},
    )

    with pytest.raises(WorkflowError, match=r"there is no no\.msh\. Run"):
        start(species_references="no.msh", providers=["ena"]).start(runs_here=True)


def install(folder: Path, names: set[str]) -> None:
    for name in names:
        (folder / "bin" / name).write_text("#!/bin/sh\n")
        (folder / "bin" / name).chmod(0o755)


def test_the_main_process_says_how_many_genomes_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start()

    first, kinds, forecast = capsys.readouterr().err.splitlines()
    assert first == "bactofleet: 2 genomes: 0 finished, 2 to do"
    assert kinds == "bactofleet: made from: 2 accessions"
    assert re.match(
        r"bactofleet: forecast: [\d.]+ CPU hours \(95 %: .*\), .* GB of results", forecast
    )


def test_a_run_on_this_machine_says_how_long_it_may_take(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start_on(cores=2)

    forecast = capsys.readouterr().err.splitlines()[-1]
    assert re.match(r"bactofleet: forecast: .* to .* on 2 cores, ", forecast)


def test_a_dry_run_names_all_that_the_genomes_are_made_from(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("1.fq", "2.fq", "a.fna"):
        (project / name).touch()
    rows = "P\t\t1.fq\t2.fq\t\nA\t\t\t\ta.fna\nT\t\t1.fq\t\t\n"
    (project / "samples.tsv").write_text("sample\taccession\tr1\tr2\tassembly\n" + rows)

    start()

    kinds = capsys.readouterr().err.splitlines()[1]
    words = "1 pair of FASTQ files, 1 single FASTQ file, 1 assembly"
    assert kinds == f"bactofleet: made from: {words}"


@pytest.mark.parametrize(("cores", "is_said"), [(2, True), (None, False)])
def test_a_dry_run_names_tools_that_the_start_would_miss_on_this_machine(
    capsys: pytest.CaptureFixture[str], cores: int | None, *, is_said: bool
) -> None:
    start_on(cores=cores, is_dry_run=True)

    said = capsys.readouterr().err
    assert ("NOTE: the start will refuse this: These tools are not on PATH" in said) is is_said


def test_a_dry_run_looks_for_the_image_in_which_stages_will_run_not_for_tools(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(versions, "IMAGE_VERSIONS", project / "nowhere")
    (project / "image").mkdir()
    monkeypatch.setenv("BACTOFLEET_IMAGE", str(project / "image"))

    start_on(cores=2, is_dry_run=True)
    assert "the start will refuse this: BACTOFLEET_IMAGE=" in capsys.readouterr().err

    (project / "bin/ch-run").write_text(f"#!/bin/sh\necho bactofleet {__version__}\n")
    (project / "bin/ch-run").chmod(0o755)
    start_on(cores=2, is_dry_run=True)
    assert "refuse" not in capsys.readouterr().err


def test_the_terminal_is_told_which_genomes_a_run_makes(caplog: pytest.LogCaptureFixture) -> None:
    run = start()
    with caplog.at_level("INFO", "snakemake.logging"):
        run.start(runs_here=False)

    (record,) = (r for r in caplog.records if hasattr(r, "bactofleet_observer"))
    assert record.message == "2 genomes are made now."
    assert list(record.bactofleet_observer.samples) == ["S1", "S2"]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"coverage": "deep"}, "coverage must be a number, not 'deep'"),
        ({"samples": "no.tsv"}, "no.tsv does not exist"),
        ({"proteins": "no.faa"}, "proteins: there is no file 'no.faa'"),
        ({"mlst_schemes": "none"}, "mlst_schemes: there is no folder 'none'"),
        ({"redo": ["S9"]}, "redo must be none, changed or samples of the sheet, not S9"),
    ],
)
def test_what_is_wrong_stops_the_main_process(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(WorkflowError, match=problem):
        start(**options)


@pytest.mark.parametrize(
    ("options", "file"),
    [
        ({"results": "a file"}, "a file"),
        ({"results": "a file/below"}, "a file"),
        ({"results": "made"}, "made/receipts"),
        ({"results": "s3://bucket/cohort"}, "results"),
        ({"scratch": "a file"}, "a file"),
    ],
)
def test_a_file_where_a_folder_is_to_be_stops_the_main_process(
    project: Path, options: dict[str, Any], file: str
) -> None:
    (project / file).parent.mkdir(exist_ok=True)
    (project / file).touch()

    with pytest.raises(WorkflowError, match=f"'{file}' is a file; name a folder"):
        start(**options)


def test_the_problems_of_configuration_sheet_and_files_are_reported_together(project: Path) -> None:
    (project / "samples.tsv").write_text("sample\tr1\nS1\tnowhere.fq\n")

    with pytest.raises(WorkflowError) as stop:
        start(coverage="deep", proteins="no.faa")

    for problem in (
        "coverage must be a number, not 'deep'",
        "no file 'nowhere.fq'",
        "no file 'no.faa'",
    ):
        assert problem in str(stop.value)


def test_receipts_are_gathered_in_parts_that_together_are_all_genomes_to_do(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bactofleet.run.workflow.PART_GENOMES", 2)
    rows = "".join(f"S{i}\tSRR283870{i}\n" for i in range(5))
    (project / "samples.tsv").write_text("sample\taccession\n" + rows)
    run = start()

    parts = [run.receipts_to_write(part, forced=["publish"]) for part in run.parts()]

    assert [len(part) for part in parts] == [2, 2, 1]
    assert [path for part in parts for path in part] == [
        f"results/receipts/S{i}.json" for i in range(5)
    ]


def test_redo_without_what_the_profiles_force_is_refused_and_not_done_in_part(
    project: Path,
) -> None:
    (project / "results/receipts").mkdir(parents=True)
    (project / "results/receipts/S1.json").write_text("{}")
    run = start(redo=["S1"])

    with pytest.raises(WorkflowError, match="--forcerun publish"):
        run.receipts_to_write(0, forced=[])


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> WorkflowRun:
    """Return a run that has started."""
    monkeypatch.setattr(
        "bactofleet.run.workflow.atexit", SimpleNamespace(register=lambda function: None)
    )
    run = start()
    run.start(runs_here=False)
    return run


def test_a_job_has_the_samples_of_the_start_however_the_sheet_was_edited(
    project: Path, begun: WorkflowRun, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    (project / "samples.tsv").write_text("sample\tr1\tr2\r\nS1\tR1.fq\tR2.fq\r\n")

    job = start(is_main=False)

    assert dict(job.samples) == dict(begun.samples)
    assert job.identity_key("S2") == begun.identity_key("S2")
    assert capsys.readouterr().err == ""


def test_a_job_has_the_parameters_of_the_start_and_reads_no_file_for_them(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bactofleet.run.workflow.atexit", SimpleNamespace(register=lambda function: None)
    )
    (project / "mine.faa").write_text(">a\nMKVL\n")
    run = start(proteins="mine.faa")
    run.start(runs_here=False)
    (project / "mine.faa").unlink()

    job = start(is_main=False, proteins="mine.faa")

    assert job.all_parameters == run.all_parameters
    assert job.parameters_checksum == run.parameters_checksum


def test_a_job_without_a_run_before_it_reads_no_sheet(project: Path) -> None:
    job = start(is_main=False)

    with pytest.raises(TemporaryFailure, match="jobs are started by the workflow"):
        job.identity_key("S1")


def test_only_its_owner_reads_the_samples_of_a_run_and_they_go_with_it(begun: WorkflowRun) -> None:
    assert begun.frozen_samples.stat().st_mode & 0o777 == 0o600

    begun._end()

    assert not begun.frozen_samples.exists()


def test_the_last_lines_name_what_was_made(
    begun: WorkflowRun, capsys: pytest.CaptureFixture[str]
) -> None:
    (begun.results / "cohort.tsv").write_text("sample\n")
    capsys.readouterr()

    begun._end()

    assert capsys.readouterr().err == "bactofleet: table:  results/cohort.tsv\n"


def test_another_row_is_another_checksum(project: Path) -> None:
    before = start().identity_key("S1")
    (project / "samples.tsv").write_text(GOOD.replace("SRR2838702", "SRR2838709"))

    assert start().identity_key("S1") != before


def test_options_are_words_that_a_person_could_type() -> None:
    run = start(coverage=50, keep=["bam"], proteins="")

    assert run.options("coverage", "keep", "assembler", "phix") == (
        "coverage=50",
        'keep=["bam"]',
        "assembler=skesa",
        "phix=false",
    )


@pytest.mark.usefixtures("references")
def test_missing_tools_are_named_before_the_run_those_of_options_only_when_asked_for(
    project: Path,
) -> None:
    install(project, needed_programs({"polish": True, "resistance": True}) - {"makeblastdb"})

    with pytest.raises(WorkflowError, match="not on PATH: bbduk, makeblastdb, megahit"):
        start(assembler="megahit", phix=True, providers=["ena"]).start(runs_here=True)


@pytest.mark.usefixtures("references")
@pytest.mark.parametrize(
    ("providers", "missing"),
    [
        ([], "fasterq-dump, prefetch"),
        (["ena", "sra-odp"], "fasterq-dump"),
        (["sra"], "fasterq-dump, prefetch"),
    ],
)
def test_tools_that_unpack_archive_files_are_needed_for_accessions_of_their_providers(
    project: Path, providers: list[str], missing: str
) -> None:
    options = {"polish": True, "assembler": "skesa", "resistance": True}
    install(project, needed_programs(options))

    with pytest.raises(WorkflowError, match=rf"not on PATH: {missing}\. Run"):
        start(providers=providers).start(runs_here=True)


@pytest.mark.usefixtures("references")
def test_what_accessions_need_if_their_reads_are_long_is_noted(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "bactofleet.run.workflow.atexit", SimpleNamespace(register=lambda function: None)
    )
    options = {"polish": True, "assembler": "skesa", "resistance": True, "providers": ["ena"]}
    install(project, needed_programs(options))

    start(providers=["ena"]).start(runs_here=True)

    assert "NOTE: not on PATH: flye, minimap2; accessions of long" in capsys.readouterr().err


def test_a_controller_whose_jobs_run_elsewhere_needs_no_tools(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        "bactofleet.run.workflow.atexit", SimpleNamespace(register=lambda function: None)
    )

    start().start(runs_here=False)


@pytest.mark.usefixtures("references")
def test_a_machine_that_cannot_confine_tools_is_named_once_at_the_start(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(project, needed_programs({"polish": True, "assembler": "skesa", "resistance": True}))
    monkeypatch.setattr(
        "bactofleet.run.workflow.atexit", SimpleNamespace(register=lambda function: None)
    )
    monkeypatch.setattr("bactofleet.run.workflow.find_missing", lambda: ["Landlock is missing"])

    start(providers=["ena"]).start(runs_here=True)

    said = capsys.readouterr().err
    assert said.count("bactofleet: NOTE: Landlock is missing (docs/security.md)\n") == 1


def test_results_in_a_folder_of_a_machine_that_goes_are_refused() -> None:
    with pytest.raises(WorkflowError, match="set results: s3://BUCKET/results"):
        start(results="results").check_reach(shares_files=False)


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({"samples.tsv": "sample\tr1\nS1\tx.fq\n", "x.fq": "@a"}, "S1: files of this machine"),
        ({"../p.faa": ">a\nMKVL\n"}, r"'\.\./p\.faa' is outside of this folder"),
    ],
)
def test_what_jobs_elsewhere_cannot_have_is_refused_before_any_is_submitted(
    project: Path, files: dict[str, str], problem: str
) -> None:
    for name, text in files.items():
        (project / name).write_text(text)
    proteins = next((name for name in files if name.endswith("faa")), "")
    run = start(results="s3://bucket/results", proteins=proteins)

    run.check_reach(shares_files=True)
    with pytest.raises(WorkflowError, match=problem):
        run.check_reach(shares_files=False)


def test_references_that_jobs_elsewhere_cannot_read_are_refused(project: Path) -> None:
    scheme = project / "schemes/toy"
    scheme.mkdir(parents=True)
    (scheme / "toy.txt").write_text("ST\tadk\n1\t1\n")
    (scheme / "adk.tfa").write_text(">adk_1\nACGT\n")
    here: dict[str, Any] = {"mlst_schemes": "schemes", "species_references": "refs.msh"}
    run = start(results="s3://bucket/results", **here)

    run.check_reach(shares_files=True)
    with pytest.raises(WorkflowError) as refused:
        run.check_reach(shares_files=False)
    assert "mlst_schemes: 'schemes' is on this machine" in str(refused.value)
    assert "species_references: 'refs.msh' is on this machine" in str(refused.value)


def test_references_with_an_address_are_in_reach_of_jobs_elsewhere() -> None:
    digest = f"#sha256={'0' * 64}"
    archive = f"s3://bucket/x.tar.gz{digest}"
    options: dict[str, Any] = {"mlst_schemes": archive, "species_references": archive}
    run = start(results="s3://bucket/r", proteins=f"https://host/p.faa{digest}", **options)

    run.check_reach(shares_files=False)


def test_a_bucket_that_does_not_exist_is_refused_before_a_genome_is_made(
    s3: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(results="s3://no-such-bucket/results")

    with pytest.raises(WorkflowError, match="there is no bucket for s3://no-such-bucket/results"):
        run.start(runs_here=False)


def test_a_file_of_the_configuration_with_an_option_twice_is_refused(project: Path) -> None:
    (project / "mine.yaml").write_text("coverage: 50\ncoverage: 60\n")

    with pytest.raises(WorkflowError, match=r"mine\.yaml: coverage: given more than once"):
        WorkflowRun({"samples": "samples.tsv"}, SCHEMAS, is_main=True, files=[Path("mine.yaml")])


def test_a_problem_names_the_files_that_the_options_come_from() -> None:
    files = [Path("config/config.yaml"), Path("mine.yaml")]

    with pytest.raises(
        WorkflowError,
        match=r"config/config\.yaml, mine\.yaml: coverage must be a number, not 'deep'",
    ):
        WorkflowRun({"coverage": "deep"}, SCHEMAS, is_main=True, files=files)


def test_a_second_run_on_the_same_results_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bactofleet.run.workflow.atexit", SimpleNamespace(register=lambda function: None)
    )
    first, second = start(), start()
    first.start(runs_here=False)

    with pytest.raises(WorkflowError, match="in use by another run"):
        second.start(runs_here=False)


def test_a_genome_that_was_finished_since_the_plan_was_made_is_not_paid_twice(
    project: Path,
) -> None:
    run = start()
    assert run.plan.todo == ["S1", "S2"]
    (project / "results/receipts").mkdir(parents=True)
    (project / "results/receipts/S1.json").write_text("{}")

    with pytest.raises(WorkflowError, match="Another run has finished genomes in the meantime"):
        run.start(runs_here=False)


def test_what_a_run_will_cost_is_reported_where_results_go_to_s3(
    capsys: pytest.CaptureFixture[str],
) -> None:
    start(results="s3://bucket/results")

    plan, _, forecast = capsys.readouterr().err.splitlines()
    assert plan == "bactofleet: 2 genomes: 0 finished, 2 to do"
    assert forecast.startswith("bactofleet: forecast: $")


@pytest.mark.parametrize("part_genomes", [1, 1000])
def test_a_run_is_cut_to_what_max_cost_pays_for(
    project: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    part_genomes: int,
) -> None:
    monkeypatch.setattr("bactofleet.run.workflow.PART_GENOMES", part_genomes)
    rows = "".join(f"S{i:02}\tSRR28387{i:02}\n" for i in range(50))
    (project / "samples.tsv").write_text("sample\taccession\n" + rows)

    run = start(results="s3://bucket/results", max_cost=1)

    receipts = [path for part in run.parts() for path in run.receipts_to_write(part, [])]
    assert 0 < len(receipts) < 50
    assert receipts == [f"results/receipts/{name}.json" for name in run.plan.todo]
    assert f" This run makes {len(receipts)}." in capsys.readouterr().err


def test_max_cost_does_not_hold_for_results_in_a_folder(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert start(max_cost=0.001).plan.todo == ["S1", "S2"]
    assert "cost" not in capsys.readouterr().err


@pytest.mark.parametrize("limit", [0, -5, "much"])
def test_a_max_cost_that_is_no_amount_is_refused(limit: object) -> None:
    with pytest.raises(WorkflowError, match=f"max_cost must be .*, not {limit!r}"):
        start(max_cost=limit)


def test_a_run_that_reaches_max_cost_is_stopped(
    s3: object, project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        "bactofleet.run.workflow.atexit", SimpleNamespace(register=lambda function: None)
    )
    monkeypatch.setattr("bactofleet.run.budget.LOOK_S", 0.01)
    stopped = threading.Event()
    start(results="s3://genomes/results", max_cost=1).start(runs_here=False, stop=stopped.set)

    write_usage(project / "results", [make_row(stopped=50 * 3600)])

    assert stopped.wait(10)
    wait_until(lambda: "max_cost: $1.00 is reached" in capsys.readouterr().err)


def test_a_job_does_not_pay_for_what_the_forecast_imports(project: Path) -> None:
    """The Snakefile is read again inside every job."""
    script = """
import sys
from pathlib import Path
from bactofleet.run.workflow import WorkflowRun
options = {"samples": "samples.tsv", "results": "s3://bucket/r", "max_cost": 1}
WorkflowRun(options, Path(sys.argv[1]), is_main=False)
assert not any(name.startswith("bactofleet.cost") for name in sys.modules)
"""
    subprocess.run([sys.executable, "-c", script, str(SCHEMAS)], check=True)


def test_a_run_that_was_stopped_leaves_no_work_of_its_genomes(begun: WorkflowRun) -> None:
    mine, foreign = begun.scratch / "S1/qc/work", begun.scratch / "else/qc/work"
    for folder in (mine, foreign):
        folder.mkdir(parents=True)

    begun._runs_here = True
    begun._end()

    assert (mine.exists(), foreign.exists()) == (False, True)
