"""What a run shows on the terminal: its genomes, and no more of Snakemake than a user needs."""

import io
import json
import logging
import os
import pty
import subprocess
import sys
import termios
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyte
import pytest
from rich.console import Console
from snakemake.logging import logger
from snakemake.settings.enums import Quietness
from snakemake_interface_logger_plugins.common import LogEvent
from snakemake_interface_logger_plugins.registry import LoggerPluginRegistry
from support.synthetic_cohort import write_genomes
from support.usage import make_row, write_usage

from bactofleet.core.text import counted
from bactofleet.monitor.display import to_view
from bactofleet.monitor.live import MAX_LINE_PAUSE_S, Watch, get_line_pause
from bactofleet.monitor.snapshot import Observer, Snapshot
from bactofleet.monitor.wording import describe_briefly
from bactofleet.run.terminal import Terminal
from snakemake_logger_plugin_bactofleet import LogHandler

KINDS = ["complete"] * 6 + ["excluded"] + ["failed"] * 3 + ["waiting"] * 10
SETTINGS = {
    "stdout": False,
    "nocolor": False,
    "quiet": (),
    "show_failed_logs": False,
    "debug_dag": False,
    "verbose": False,
    "dryrun": False,
    "printshellcmds": False,
    "log_handler_settings": {"bactofleet": None},
}


def record(message: str | None, level: int = logging.INFO, **extra: Any) -> logging.LogRecord:
    made = logging.LogRecord("snakemake.logging", level, __file__, 1, message, None, None)
    vars(made).update(extra)
    return made


def job_error(sample: str, stage: str = "assembly", results: str = "results") -> dict[str, Any]:
    return {
        **{"rule_name": stage, "rule_msg": None, "jobid": 7, "input": [], "conda_env": None},
        **{"output": ["contigs.fna"], "log": [f"{results}/logs/{sample}/{stage}.log"]},
        **{"aux": {}, "indent": False, "shellcmd": "python stage.py", "aux_logs": []},
    }


def rule_error(sample: str) -> logging.LogRecord:
    command = f"python /w/stage.py assembly --sample {sample} --inputs x"
    text = f"RuleException:\nCalledProcessError in file \"a.smk\":\nCommand '{command}' returned 1"
    return record(text, logging.ERROR, event=LogEvent.ERROR, exception="RuleException")


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Results of a run in which S1 failed in the assembly."""
    monkeypatch.chdir(tmp_path)
    write_failure(Path("results"), "S1")
    return Path("results")


def write_failure(results: Path, sample: str) -> None:
    (results / "failed").mkdir(parents=True, exist_ok=True)
    failure = {
        **{"sample": sample, "stage": "assembly", "kind": "tool", "exit_code": 1, "attempt": 1},
        **{"message": "skesa ended with exit status 3", "log": "x.log", "schema": 1},
    }
    (results / f"failed/{sample}.json").write_text(json.dumps(failure))


def show(
    records: list[logging.LogRecord],
    capsys: pytest.CaptureFixture[str],
    *,
    shows_jobs: bool = False,
    **settings: Any,
) -> str:
    """Return what a terminal that is none shows of records, and of the end of the run."""
    terminal = Terminal(SimpleNamespace(**SETTINGS | settings), shows_jobs=shows_jobs)
    for one in records:
        terminal.show(one)
    terminal.close()
    return capsys.readouterr().err


def test_snakemake_finds_the_plugin() -> None:
    settings: Any = LoggerPluginRegistry().get_plugin("bactofleet").get_settings(SimpleNamespace())

    assert settings.shows_jobs(SimpleNamespace(**SETTINGS)) is False
    assert settings.shows_jobs(SimpleNamespace(**SETTINGS | {"printshellcmds": True})) is True


# --- messages of Snakemake ------------------------------------------------------------------------


@pytest.mark.parametrize(
    "step",
    [
        record("Execute 3 jobs...", event=LogEvent.JOB_STARTED, jobs=[1]),
        record("Finished jobid: 3 (Rule: qc)", event=LogEvent.JOB_FINISHED, job_id=3),
        record(None, event=LogEvent.PROGRESS, done=1, total=9),
        record("Job stats:\njob count", event=LogEvent.RUN_INFO, stats={}),
        record(" Rule: qc, Jobid: 3", event=LogEvent.JOB_INFO, rule_msg=None),
        record("Removing temporary output x", quietness=Quietness.RULES),
        record("Select jobs to execute..."),
        record("Trying to restart job 10."),
        record("Reasons:\n    (check individual jobs above for details)"),
        record("335136 jobs have missing provenance/metadata"),
    ],
)
def test_a_step_is_not_shown(step: logging.LogRecord, capsys: pytest.CaptureFixture[str]) -> None:
    assert show([step], capsys) == ""


def test_a_step_is_shown_to_who_asks_snakemake_for_it(capsys: pytest.CaptureFixture[str]) -> None:
    step = record("Finished jobid: 3 (Rule: qc)", event=LogEvent.JOB_FINISHED, job_id=3)

    assert "Finished jobid: 3" in show([step], capsys, shows_jobs=True, verbose=True)


@pytest.mark.parametrize(
    "message",
    [
        record("Building DAG of jobs..."),
        record("Nothing to be done (all requested files are present and up to date)."),
        record("Will exit after finishing currently running jobs (scheduler)."),
        record("A message of a later release of Snakemake"),
        record("Jobs wait in queue", logging.WARNING),
        record("Error: Directory cannot be locked.", logging.ERROR),
        record("WorkflowError:\nat line 3", logging.ERROR, event=LogEvent.ERROR, exception="X"),
    ],
)
def test_all_else_is_shown_as_it_is(
    message: logging.LogRecord, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show([message], capsys) == f"{message.msg}\n"


@pytest.mark.parametrize(("plugins", "passes"), [(["bactofleet"], False), (["a", "b"], True)])
def test_what_quiet_drops_does_not_enter_the_queue_of_plugins(
    plugins: list[str], *, passes: bool
) -> None:
    settings = SETTINGS | {"log_handler_settings": dict.fromkeys(plugins)}
    quiet = {"quiet": {Quietness.RULES}}
    removal = record("Removing temporary output x", quietness=Quietness.RULES)

    terminal = Terminal(SimpleNamespace(**settings | quiet), shows_jobs=False)

    assert bool(logger.filter(removal)) is passes
    assert logger.filter(record("a message"))
    terminal.close()
    assert logger.filter(removal)


def test_the_message_of_a_rule_is_for_the_user(capsys: pytest.CaptureFixture[str]) -> None:
    step = record("Rule: report", event=LogEvent.JOB_INFO, rule_msg="Writing the report")

    assert show([step], capsys) == "bactofleet: Writing the report\n"


# --- errors ---------------------------------------------------------------------------------------


def begin(results: Path, *samples: str) -> logging.LogRecord:
    observer = Observer(results, Path("scratch"), samples)
    are_made = counted(len(samples), "genome is made now.", "genomes are made now.")
    return record(are_made, bactofleet_observer=observer)


def test_a_failure_that_the_stage_has_recorded_and_written_is_not_told_twice(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = record("Error in rule", logging.ERROR, event=LogEvent.JOB_ERROR, **job_error("S1"))

    said = show([begin(results, "S1"), rule_error("S1"), error], capsys)

    assert said.splitlines() == [
        "bactofleet: 1 genome is made now.",
        "bactofleet: 1 of 1 genome ended (100.0%); 0 complete, 0 excluded, 1 failed, 0 running, "
        "0 waiting; last failure: S1 at assembly: skesa ended with exit status 3",
    ]


@pytest.mark.parametrize("rule", ["assembly", "report"])
def test_an_error_without_a_record_is_shown_in_full(
    results: Path, capsys: pytest.CaptureFixture[str], rule: str
) -> None:
    details = job_error("S2") | {"rule_name": rule}
    if rule == "report":
        details |= {"log": []}
    error = record("Error in rule", logging.ERROR, event=LogEvent.JOB_ERROR, **details)

    said = show([begin(results, "S1", "S2"), rule_error("S2"), error], capsys)

    assert "CalledProcessError" in said
    assert f"Error in rule {rule}:" in said
    assert "    shell:\n        python stage.py" in said


@pytest.mark.parametrize("is_recorded", [False, True])
def test_a_failed_group_job_is_told_once_for_each_genome(
    results: Path, capsys: pytest.CaptureFixture[str], *, is_recorded: bool
) -> None:
    samples = ["S1", "S2"]
    if is_recorded:
        write_failure(results, "S2")
    jobs = [job_error(sample, stage) for sample in samples for stage in ("qc", "assembly")]
    details = {"groupid": "genome", "aux_logs": ["slurm.log"], "job_error_info": jobs}
    errors = [record("Error in group", logging.ERROR, event=LogEvent.GROUP_ERROR, **details)]
    errors += [record("x", logging.ERROR, event=LogEvent.JOB_ERROR, **job) for job in jobs]

    attempts = 2
    said = show([begin(results, *samples), *errors * attempts], capsys).splitlines()[1:-1]

    lines = [
        f"bactofleet: FAILED {sample} at assembly: skesa ended with exit status 3"
        for sample in samples
    ]
    assert (said == lines) is is_recorded
    assert any("slurm.log" in line for line in said) is not is_recorded


def test_who_wants_no_progress_gets_none(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = show([begin(results, "S1")], capsys, quiet={Quietness.PROGRESS})

    assert said == "bactofleet: 1 genome is made now.\n"


def test_a_look_that_fails_ends_nothing(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Observer, "look", lambda _: Path("/nowhere/ledger").read_text())

    said = show([begin(results, "S1")], capsys)

    assert "the progress cannot be read now" in said
    assert "/nowhere/ledger" in said


def test_a_look_that_fails_in_any_way_gives_the_streams_back(
    results: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Observer, "look", lambda _: int("not a number"))
    closing = ExitStack()
    closed: list[str] = []
    closing.callback(closed.append, "closed")

    Watch(Observer(results, Path("scratch"), ["S1"]), print, lambda *_: 0, closing).end()

    assert closed == ["closed"]
    assert "not a number" in capsys.readouterr().err


def test_a_record_that_cannot_be_shown_does_not_end_the_thread_that_shows_the_next(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings: Any = SimpleNamespace(**SETTINGS)
    handler = LogHandler(settings, None)
    monkeypatch.setattr(Terminal, "show", lambda *_: int("not a number"))

    handler.handle(record("a message"))
    handler.close()

    assert "not a number" in capsys.readouterr().err


def test_a_file_is_no_terminal_even_if_colors_are_forced(
    results: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")

    said = show([begin(results, "S1")], capsys)

    assert said.endswith("last failure: S1 at assembly: skesa ended with exit status 3\n")


# --- the view -------------------------------------------------------------------------------------


@pytest.fixture
def cohort(tmp_path: Path) -> Observer:
    samples = write_genomes(tmp_path / "results", KINDS)
    return Observer(tmp_path / "results", tmp_path / "scratch", samples)


def render(snapshot: Snapshot, width: int) -> list[str]:
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(to_view(snapshot))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 100])
def test_the_view_has_every_count_and_the_last_failure_in_a_few_lines(
    cohort: Observer, width: int
) -> None:
    lines = render(cohort.look(), width)

    assert lines[0] == "10 of 20 genomes ended (50.0%)"
    counts = "6 complete   1 excluded   3 failed   0 running   10 waiting"
    assert lines[2] == counts
    assert lines[3].startswith("last failure: SRX")
    assert len(lines) <= 8
    assert max(map(len, lines)) <= width


def test_the_last_failure_is_the_one_that_came_last(cohort: Observer) -> None:
    cohort.look()
    sample = next(iter(cohort.samples))
    (cohort.results / f"receipts/{sample}.json").unlink()
    write_failure(cohort.results, sample)

    later = cohort.look()

    assert later.last_failure is not None
    assert later.last_failure.sample == sample
    assert cohort.look().last_failure == later.last_failure
    assert "last failure: SRX10400000 at assembly: skesa" in describe_briefly(later)


def test_what_earlier_runs_have_left_does_not_count(cohort: Observer) -> None:
    """As with `redo`, whose receipts are there until others replace them."""
    write_usage(cohort.results, [make_row()])
    cohort.leave_out_earlier()

    genomes = cohort.look().genomes

    assert (genomes.complete, genomes.excluded) == (0, 0)
    assert cohort.look().money is None
    receipt = next((cohort.results / "receipts").iterdir())
    text = receipt.read_text()
    (cohort.results / "new").write_text(text)
    (cohort.results / "new").rename(receipt)
    assert cohort.look().genomes.complete == 1


def test_lines_of_a_run_of_five_days_are_some_hundreds() -> None:
    elapsed, lines = 0.0, 0
    while elapsed < 5 * 86400:
        elapsed += get_line_pause(0.2, elapsed)
        lines += 1

    assert get_line_pause(0.2, 0) == 60
    assert get_line_pause(0.2, elapsed) == MAX_LINE_PAUSE_S
    assert 400 < lines < 700


# --- on a terminal --------------------------------------------------------------------------------

COLUMNS, LINES = 80, 24
RUN = """
import subprocess, sys, time
from pathlib import Path
from types import SimpleNamespace
from test_terminal import SETTINGS, begin, record, write_failure
from bactofleet.run.terminal import Terminal

terminal = Terminal(SimpleNamespace(**SETTINGS), shows_jobs=False)
terminal.show(begin(Path("results"), "S1", "S2"))
subprocess.run(["sh", "-c", "echo a child to its output; echo a child to its error >&2"])
print("this process", file=sys.stderr, flush=True)
terminal.show(record("a warning of Snakemake", 30))
terminal.close()
terminal.close()
print("after the end", file=sys.stderr)
"""


def run_on_terminal(
    output: Path | None = None,
    program: str = RUN,
    columns: int = COLUMNS,
    *,
    has_input: bool = True,
) -> list[str]:
    """Return what a terminal shows of the program; its output may go to a file."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (LINES, columns))
    path = [str(Path(__file__).parent), *sys.path]
    environment = os.environ | {"PYTHONPATH": ":".join(path), "TERM": "xterm"}
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=theirs if has_input else subprocess.DEVNULL,
        stdout=theirs if output is None else output.open("w"),
        stderr=theirs,
        env=environment,
    )
    os.close(theirs)
    said = read_all(ours)
    assert process.wait() == 0, said
    return screen(said, columns)


@pytest.mark.usefixtures("results")
def test_output_that_goes_to_a_file_stays_there(tmp_path: Path) -> None:
    lines = run_on_terminal(tmp_path / "output")

    assert (tmp_path / "output").read_text() == "a child to its output\n"
    assert "a child to its error" in lines
    assert "a child to its output" not in lines


@pytest.mark.usefixtures("results")
def test_on_a_terminal_whatever_is_written_appears_above_the_view() -> None:
    lines = run_on_terminal()

    written = ["a child to its output", "a child to its error", "this process"]
    assert lines[0] == "bactofleet: 2 genomes are made now."
    assert lines[1:5] == [*written, "a warning of Snakemake"]
    assert lines[5] == "1 of 2 genomes ended (50.0%)"
    assert lines[-2:] == [
        "last failure: S1 at assembly: skesa ended with exit status 3",
        "after the end",
    ]
    assert lines.count(lines[5]) == 1


@pytest.mark.usefixtures("results")
@pytest.mark.parametrize("has_input", [True, False])
def test_a_narrow_terminal_shows_one_view(*, has_input: bool) -> None:
    lines = run_on_terminal(columns=20, has_input=has_input)

    assert lines.count("1 of 2 genomes ended") == 1
    assert len([line for line in lines if "\u2501" in line]) == 1


ODD_CHILD = r"""
subprocess.run(["printf", r"\0\nafterwards\n"])
subprocess.run(["printf", "no line end"])
terminal.close()
"""


@pytest.mark.usefixtures("results")
def test_what_a_child_writes_neither_ends_the_view_nor_is_lost_without_a_line_end() -> None:
    lines = run_on_terminal(program=RUN.replace("\nterminal.close()\n", ODD_CHILD, 1))

    assert lines.index("afterwards") < lines.index("1 of 2 genomes ended (50.0%)")
    assert lines.index("no line end") < lines.index("1 of 2 genomes ended (50.0%)")


def read_all(descriptor: int) -> str:
    parts = []
    while True:
        try:
            part = os.read(descriptor, 65536)
        except OSError:  # so Linux tells the end of a pseudo-terminal
            break
        if not part:
            break
        parts.append(part)
    return b"".join(parts).decode()


def screen(written: str, columns: int) -> list[str]:
    """Return the lines that a terminal shows, without the empty ones below."""
    shown = pyte.Screen(columns, LINES)
    pyte.Stream(shown).feed(written)
    return "\n".join(line.rstrip() for line in shown.display).rstrip().split("\n")
