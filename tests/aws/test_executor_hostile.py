"""Hostile names and settings change nothing but a clear error."""

from pathlib import Path

from controller import Controller
from emulator.client import EmulatedAWS

# Characters that a shell, a path, a URL, CSV or JSON would take for its own.
STRANGE_NAMES = [
    "a b;touch pwned",
    "$(touch pwned)`touch pwned`",
    "quote'and\"quote",
    "-rf",
    "Müller-大腸菌",
    # 200 letters, and not periodic, which Snakemake refuses by itself.
    "".join(chr(ord("a") + (i * i // 7) % 26) for i in range(200)),
]
REFUSED_NAMES = {
    "..": "cannot travel between controller and container",
    "comma,name=other": "leave out commas",
    "".join(chr(ord("a") + (i * i // 7) % 26) for i in range(251)): "at most 255 bytes",
}
# Of what test_batch_settings.py refuses one, and what only AWS knows.
REFUSED_SETTINGS = [
    ("bucket", "s3://genomes-bucket", "a bucket's name, without s3://"),
    ("bucket", "no-such-bucket", "AWS refuses what the executor needs"),
    ("job_queue", "no-such-queue", "there is no job queue 'no-such-queue'"),
]


def test_strange_names_are_names(aws: EmulatedAWS, tmp_path: Path) -> None:
    controller = Controller(aws, tmp_path, STRANGE_NAMES)

    assert controller.run() == 0, controller.log

    assert set(controller.get_receipts()) == set(STRANGE_NAMES)
    assert controller.get_keys() == sorted(f"results/{name}.tar.gz" for name in STRANGE_NAMES)
    assert not list(tmp_path.rglob("pwned"))


def test_names_that_cannot_be_handed_over_are_refused_before_anything_is_submitted(
    start_aws, tmp_path: Path
) -> None:
    aws = start_aws(stub="stub_functions:succeed")
    for number, (name, message) in enumerate(REFUSED_NAMES.items()):
        controller = Controller(aws, tmp_path / str(number), ["good", name])

        assert controller.run() == 1

        assert message in controller.log, name
        assert controller.count("batch", "SubmitJob").total() == 0


def test_settings_that_cannot_work_are_refused_before_anything_is_submitted(
    start_aws, tmp_path: Path
) -> None:
    aws = start_aws(stub="stub_functions:succeed")
    for number, (name, value, message) in enumerate(REFUSED_SETTINGS):
        controller = Controller(aws, tmp_path / str(number))
        controller.settings[name] = value

        assert controller.run() == 1

        assert message in controller.log, name
        assert "Traceback" not in controller.log
    assert controller.count("batch", "SubmitJob").total() == 0


def test_all_missing_settings_are_named_at_once(start_aws, tmp_path: Path) -> None:
    controller = Controller(start_aws(stub="stub_functions:succeed"), tmp_path)
    for name in ("bucket", "job_queue", "job_role"):
        del controller.settings[name]

    assert controller.run() == 1

    for name in ("bucket", "job-queue", "job-role"):
        assert f"--aws-batch-array-{name}" in controller.log


def test_a_command_before_the_jobs_is_refused(start_aws, tmp_path: Path) -> None:
    controller = Controller(start_aws(stub="stub_functions:succeed"), tmp_path)

    assert controller.run("--precommand", "touch pwned") == 1

    assert "--precommand is not run" in controller.log
