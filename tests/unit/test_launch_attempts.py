"""The program of a controller's container, from its project in the bucket to its exit status."""

import io
import json
import os
import signal
import tarfile
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from support.receipts import make_receipt

from bactofleet.launch import controller
from bactofleet.launch.controller import ENDED_FROM_OUTSIDE, TROUBLE, Keeper, main
from bactofleet.launch.ending import Ends
from bactofleet.launch.place import Place
from bactofleet.launch.project import ARCHIVE, CONFIG_NAME, add_bytes
from bactofleet.launch.record import Record, write_record
from bactofleet.launch.shards import Shards, write_shards
from bactofleet.launch.state import Reader
from snakemake_executor_plugin_aws_batch_array import retrying

RUN = Place("genomes", "cohort")
SHARDS = Shards(1)
(PLACE,) = SHARDS.get_places(RUN)
FILES = {
    CONFIG_NAME: "config/config.yaml",
    "config/config.yaml": "results: s3://genomes/results/cohort\nsamples: config/samples.tsv\n",
    "config/samples.tsv": "sample\taccession\nS1\tSRR2838702\nS2\tSRR2838703\n",
}
Snakemake = Callable[[str], None]


@pytest.fixture
def snakemake(s3: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Snakemake:
    """Return a function that says what the program in Snakemake's place does in the project."""
    record = Record("first")
    write_record(s3, PLACE, record, "")
    write_shards(s3, RUN, SHARDS, "")
    for place in (RUN, PLACE):
        s3.put_object(Bucket=place.bucket, Key=place.key(ARCHIVE), Body=pack())
    values = {"BUCKET": PLACE.bucket, "RUN": PLACE.name, "SHARD": PLACE.shard, "TOKEN": "first"}
    for name, value in values.items():
        monkeypatch.setenv(f"BACTOFLEET_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(controller, "LOOK_S", 0.01)
    module = tmp_path / "programs/snakemake.py"
    module.parent.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(module.parent))
    monkeypatch.chdir(tmp_path)

    def write(source: str) -> None:
        module.write_text(textwrap.dedent(source))
        scratch = tempfile.mkdtemp(dir=tmp_path)  # each attempt has a container of its own
        monkeypatch.setattr(tempfile, "tempdir", scratch)

    return write


def pack() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in FILES.items():
            add_bytes(archive, name, text.encode())
    return buffer.getvalue()


def write_file(name: str, content: Any) -> str:
    """Return the statement that writes a file of JSON in the results."""
    return (
        f"from pathlib import Path; path = Path('results/{name}'); "
        "path.parent.mkdir(parents=True, exist_ok=True); "
        f"path.write_text({json.dumps(content)!r})\n"
    )


def finish(sample: str) -> str:
    return write_file(f"receipts/{sample}.json", make_receipt(sample))


def read_state(s3: Any, folder: Path) -> set[str]:
    Reader(s3, PLACE, folder).read()
    return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file()}


def read_status(s3: Any) -> int | None:
    end = Ends(s3, RUN, [PLACE]).find("first")
    return end.status if end else None


def list_results(s3: Any) -> set[str]:
    found = s3.list_objects_v2(Bucket="genomes", Prefix=RUN.key("results", ""))
    return {Path(item["Key"]).name for item in found.get("Contents", [])}


def test_a_run_that_ends_leaves_its_state_and_the_report_of_all_in_the_bucket(
    s3: Any, snakemake: Snakemake, tmp_path: Path
) -> None:
    snakemake(finish("S1") + finish("S2"))

    assert main() == 0

    assert {"receipts/S1.json", "receipts/S2.json"} <= read_state(s3, tmp_path / "state")
    assert {"cohort.tsv", "report.html"} <= list_results(s3)
    assert (read_status(s3), Ends(s3, RUN, [PLACE]).is_reported()) == (0, True)


def test_a_run_with_failed_genomes_ends_with_1_and_its_report(
    s3: Any, snakemake: Snakemake
) -> None:
    snakemake(finish("S1") + write_file("failed/S2.json", {}) + "raise SystemExit(1)")

    assert main() == 1

    assert "cohort.tsv" in list_results(s3)


def test_what_failed_under_a_lost_controller_still_makes_the_run_a_failed_one(
    s3: Any, snakemake: Snakemake
) -> None:
    snakemake(finish("S1") + write_file("failed/S2.json", {}))

    assert main() == 1


def test_a_controller_that_is_killed_continues_with_its_state(
    s3: Any, snakemake: Snakemake, tmp_path: Path
) -> None:
    lost = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    snakemake(finish("S1") + lost)
    assert main() == ENDED_FROM_OUTSIDE
    assert read_status(s3) is None

    snakemake("import os; assert os.listdir('results/receipts') == ['S1.json']")

    assert main() == 0


def test_one_that_is_lost_after_its_end_writes_only_the_report(
    s3: Any, snakemake: Snakemake, monkeypatch: pytest.MonkeyPatch
) -> None:
    snakemake(finish("S1"))
    with monkeypatch.context() as patch:
        patch.setattr(controller, "publish", lambda *_: os.kill(os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            main()
    assert not Ends(s3, RUN, [PLACE]).is_reported()

    snakemake("raise SystemExit('it runs again')")

    assert main() == 0
    assert "cohort.tsv" in list_results(s3)


def test_jobs_that_were_not_collected_are_no_end(
    s3: Any, snakemake: Snakemake, caplog: pytest.LogCaptureFixture
) -> None:
    submit = """
        from pathlib import Path
        from snakemake_executor_plugin_aws_batch_array.ledger import Ledger, OpenChild
        from snakemake_executor_plugin_aws_batch_array.paths import LEDGER
        (Path("results") / LEDGER).parent.mkdir(parents=True)
        ledger = Ledger(Path("results") / LEDGER)
        ledger.open_run("prefix", "definition")
        ledger.open_array("a", "prefix", "q", [OpenChild("S1", "results/receipts/S1.json")])
        ledger.record_job("a", "id")
        raise SystemExit(1)
        """
    snakemake(submit)

    assert main() == TROUBLE

    assert "1 jobs were not collected; Batch starts this controller again." in caplog.messages
    assert read_status(s3) is None


def test_a_snakemake_that_fails_without_its_genomes_is_no_end(
    s3: Any, snakemake: Snakemake, caplog: pytest.LogCaptureFixture
) -> None:
    snakemake(finish("S1") + "raise SystemExit(1)")

    assert main() == TROUBLE

    assert "Snakemake failed, and none of its genomes: 1 are left" in caplog.text
    assert read_status(s3) is None


def test_a_genome_that_failed_before_does_not_hide_a_snakemake_that_fails(
    s3: Any, snakemake: Snakemake
) -> None:
    lost = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    snakemake(write_file("failed/S2.json", {}) + lost)
    assert main() == ENDED_FROM_OUTSIDE

    snakemake("raise SystemExit(1)")

    assert main() == TROUBLE
    assert read_status(s3) is None


@pytest.mark.usefixtures("s3")
def test_a_broken_disk_is_no_end(
    snakemake: Snakemake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(5, "Input/output error")

    snakemake("")
    monkeypatch.setattr(controller, "fetch_project", refuse)

    assert main() == TROUBLE
    assert "This machine: [Errno 5] Input/output error" in caplog.text


def test_an_outage_is_waited_for_and_costs_no_attempt(
    s3: Any, snakemake: Snakemake, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reply = {"Error": {"Code": "InternalError"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
    failures = [ClientError(reply, "GetObject"), ClientError(reply, "GetObject")]
    real = Keeper.restore

    def fail_first(keeper: Keeper, results: Path) -> None:
        if failures:
            raise failures.pop()
        real(keeper, results)

    snakemake(finish("S1") + finish("S2"))
    monkeypatch.setattr(retrying, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(Keeper, "restore", fail_first)

    assert main() == 0

    assert "Waiting for AWS: AWS has an internal failure" in caplog.text
    assert read_status(s3) == 0


def test_one_that_was_launched_again_ends(s3: Any, snakemake: Snakemake) -> None:
    snakemake("raise SystemExit('it runs')")
    found = s3.get_object(Bucket=PLACE.bucket, Key=PLACE.key("controller.json"))
    write_record(s3, PLACE, Record("second"), found["ETag"])

    assert main() == 1


def test_a_container_that_is_stopped_ends_snakemake_and_is_no_end(
    snakemake: Snakemake, tmp_path: Path
) -> None:
    snakemake("import os, signal, time; os.kill(os.getppid(), signal.SIGTERM); time.sleep(60)")
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main() == ENDED_FROM_OUTSIDE
    finally:
        signal.signal(signal.SIGTERM, before)
