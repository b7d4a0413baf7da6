"""`bactofleet extract`: chosen files of all genomes, in one folder or one file."""

import gzip
import hashlib
import io
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from support.cohorts import Cohort
from support.receipts import make_receipt
from support.tarballs import HOSTILE, pack

from bactofleet.archives import retry
from bactofleet.core.files import write_json
from bactofleet.records.folder import receipt_path
from bactofleet.report.cohort import tabulate, write_parquet
from bactofleet.report.rows import GenomeRow
from bactofleet.transfer import joining, members, parallel, tally, to_folder
from bactofleet.transfer.names import flat_names
from bactofleet.transfer.parallel import in_order
from bactofleet.transfer.places import Bucket, Folder, ObjectFault

RESULTS = Path("results")


def zip_text(text: str) -> bytes:
    return gzip.compress(text.encode(), mtime=0)


def files_of(sample: str) -> dict[str, bytes]:
    """Files as a genome has them, in the order of its tarball."""
    return {
        f"{sample}/bactofleet.json": b"{}",
        f"{sample}/main/annotator/prokka/{sample}.faa.gz": zip_text(f">{sample}_1\nM"),
        f"{sample}/main/annotator/prokka/{sample}.gff.gz": zip_text(f"{sample}\n"),
        f"{sample}/main/annotator/prokka/{sample}.tsv": b"genes\n",
        f"{sample}/main/annotator/prokka/logs/versions.yml": b"prokka: 1\n",
        f"{sample}/main/assembler/{sample}.tsv": b"contigs\n",
        f"{sample}/main/assembler/logs/versions.yml": b"skesa: 1\n",
        f"{sample}/main/qc/{sample}_R1.fastq.gz": bytes(100_000),
    }


@dataclass
class Stored:
    """Genomes in a folder or on S3, with their receipts; tests run in the project's folder."""

    cohort: Cohort
    is_on_s3: bool

    def put(self, sample: str, content: bytes) -> None:
        """Replace a tarball, but not its receipt."""
        if self.is_on_s3:
            self.cohort.put(f"{sample}.tar.gz", content)
        else:
            (RESULTS / f"{sample}.tar.gz").write_bytes(content)

    def add(self, sample: str, content: bytes = b"", **changed: Any) -> None:
        """Put a tarball, and its receipt."""
        content = content or pack(files_of(sample))
        sha256 = hashlib.sha256(content).hexdigest()
        receipt = make_receipt(
            sample,
            tarball={"path": None, "bytes": len(content), "sha256": sha256},
            **changed,
        )
        path = receipt_path(RESULTS, sample)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, receipt)
        self.put(sample, content)

    def extract(self, *options: str) -> int:
        return self.cohort.call("extract", *options)


@pytest.fixture
def local(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """Two genomes in a folder."""
    monkeypatch.chdir(tmp_path)
    Path("config").mkdir()
    Path("config/config.yaml").write_text(f"results: {RESULTS}\n")
    genomes = Stored(Cohort(tmp_path, None), is_on_s3=False)
    genomes.add("S1")
    genomes.add("S2")
    return genomes


@pytest.fixture
def remote(cohort: Cohort) -> Stored:
    """The same on S3."""
    genomes = Stored(cohort, is_on_s3=True)
    genomes.add("S1")
    genomes.add("S2")
    return genomes


@pytest.fixture(params=["local", "remote"])
def stored(request: pytest.FixtureRequest) -> Stored:
    """The same in a folder, and on S3."""
    genomes: Stored = request.getfixturevalue(request.param)
    return genomes


def names_in(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir() if path.name[0] != ".")


def hidden_in(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir() if path.name[0] == ".")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tarballs that are opened."""
    names: list[str] = []

    def remember(place: type[Folder] | type[Bucket]) -> None:
        reading: Callable[[Any, str], Any] = place.reading

        def open_one(self: Any, name: str) -> Any:
            names.append(name)
            return reading(self, name)

        monkeypatch.setattr(place, "reading", open_one)

    remember(Folder)
    remember(Bucket)
    return names


def test_files_of_all_genomes_come_into_one_folder(
    stored: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    assert stored.extract("--only", "*.gff.gz", "--to", "genes") == 0

    assert names_in("genes") == ["S1.gff.gz", "S2.gff.gz"]
    assert gzip.decompress(Path("genes/S2.gff.gz").read_bytes()) == b"S2\n"
    assert "2 files of 2 genomes are in genes." in capsys.readouterr().out
    assert hidden_in("genes") == [".extracted.jsonl", ".lock"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("S1.gff.gz", ["S1.gff.gz"]),
        ("main/assembler/*.tsv", ["S1.tsv"]),
        ("main/*/prokka/*.tsv", ["S1.tsv"]),
        ("bactofleet.json", ["S1+bactofleet.json"]),
        ("assembler/*", None),
        ("*.GFF.gz", None),
    ],
)
def test_a_pattern_matches_the_name_or_the_path_in_the_tarball(
    local: Stored, pattern: str, expected: list[str] | None
) -> None:
    assert local.extract("S1", "--only", pattern, "--to", "some") == (0 if expected else 1)

    assert names_in("some") == (expected or [])


def test_files_of_one_name_in_several_folders_get_their_paths(local: Stored) -> None:
    options = ("S1", "--only", "*.tsv", "--only", "versions.yml", "--to", "some")
    assert local.extract(*options) == 0

    assert names_in("some") == [
        "S1+main+annotator+prokka+S1.tsv",
        "S1+main+annotator+prokka+logs+versions.yml",
        "S1+main+assembler+S1.tsv",
        "S1+main+assembler+logs+versions.yml",
    ]
    assert Path("some/S1+main+assembler+S1.tsv").read_bytes() == b"contigs\n"


def test_a_file_never_gets_the_name_of_another_samples_file(local: Stored) -> None:
    local.add("S1", pack({"S1/S1-2.txt": b"of S1"}))
    local.add("S1-2", pack({"S1-2/S1-2.txt": b"of S1-2"}))

    assert local.extract("--only", "*.txt", "--to", "some") == 0

    assert Path("some/S1-2.txt").read_bytes() == b"of S1-2"
    assert Path("some/S1+S1-2.txt").read_bytes() == b"of S1"


def test_a_new_sample_takes_its_name_from_a_file_of_before(local: Stored) -> None:
    local.add("S1", pack({"S1/S1-2.txt": b"1"}))
    local.extract("S1", "--only", "*.txt", "--to", "some")
    local.add("S1-2", pack({"S1-2/S1-2.txt": b"2"}))

    assert local.extract("S1", "S1-2", "--only", "*.txt", "--to", "some") == 0

    assert Path("some/S1-2.txt").read_bytes() == b"2"
    assert Path("some/S1+S1-2.txt").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a/S1.x"], ["S1.x"]),
        (["a/S10.x", "a/S1"], ["S1+S10.x", "S1+S1"]),
        (["a/S1.2.x"], ["S1+S1.2.x"]),
        (["a/S1.2"], ["S1.2"]),
        (["a/x", "b/x"], ["S1+a+x", "S1+b+x"]),
        (["a/.lock"], ["S1+.lock"]),
    ],
)
def test_every_name_begins_with_its_sample_and_with_no_longer_one(
    paths: list[str], expected: list[str]
) -> None:
    assert list(flat_names("S1", paths, {"S1", "S10", "S1.2"}).values()) == expected


@pytest.mark.parametrize(
    "paths", [["a/x", "b/x", "a+x"], ["S1." + "x" * 300], ["a/S1\x1b[2J"], ["a/S1\udcff.x"], ["."]]
)
def test_names_that_no_folder_should_have_are_a_fault(paths: list[str]) -> None:
    with pytest.raises(ObjectFault, match=r"^S1: "):
        flat_names("S1", paths, {"S1"})


def write_table(**ranks: str | None) -> None:
    rows: list[GenomeRow] = [
        {"sample": sample, "status": "complete", "rank": rank, "assembler_total_contig": number}
        for number, (sample, rank) in enumerate(ranks.items(), start=1)
    ]
    write_parquet(tabulate(rows), RESULTS / "cohort.parquet")


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("rank == 'gold'", ["S1"]),
        ("rank = 'gold' and assembler_total_contig > 1", []),
        ("rank in ('gold', 'silver') and assembler_total_contig < 3", ["S1", "S2"]),
        ("rank is null", ["S3"]),
        ("not rank = 'gold'", ["S2"]),
    ],
)
def test_a_condition_on_the_table_chooses_genomes(
    local: Stored, condition: str, expected: list[str]
) -> None:
    local.add("S3")
    write_table(S1="gold", S2="silver", S3=None, failed="gold")

    status = local.extract("--where", condition, "--only", "*.gff.gz", "--to", "some")

    assert status == (0 if expected else 1)
    assert [path.name[:2] for path in sorted(Path().glob("some/S*"))] == expected


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("rang = 'gold'", 'unable to find column "rang"'),
        ("rank = gold", "text in single quotes"),
        ("rank =", "unable to parse"),
        ("assembler_total_contig", "must be of type `Boolean`"),
        ("rank > 5", "cannot compare string with numeric"),
        ("__import__('os').system('touch evil')", "--where"),
        ("sample in (select * from read_csv('/etc/passwd'))", "--where"),
    ],
)
def test_a_condition_that_is_none_is_refused_with_an_example(
    local: Stored, capsys: pytest.CaptureFixture[str], condition: str, problem: str
) -> None:
    write_table(S1="gold", S2="silver")

    assert local.extract("--where", condition, "--only", "*", "--to", "some") == 1

    assert problem in capsys.readouterr().err
    assert not Path("some").exists()
    assert not Path("evil").exists()


def test_without_a_table_there_is_no_condition_and_it_is_said_what_writes_one(
    local: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    assert local.extract("--where", "rank = 'gold'", "--only", "*", "--to", "some") == 1
    assert "cohort.parquet does not exist; `bactofleet report`" in capsys.readouterr().err


def test_genomes_that_are_newer_than_the_table_are_counted(
    local: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    write_table(S1="gold")

    assert local.extract("--where", "rank = 'gold'", "--only", "*.tsv", "--to", "some") == 0
    assert "lacks 1 genome with a receipt, such as S2;" in capsys.readouterr().err


def test_excluded_genomes_come_only_if_they_are_asked_for(local: Stored) -> None:
    reason = {"type": "low-read-count", "stage": "qc", "message": "few"}
    local.add("E1", status="excluded", reason=reason)

    local.extract("--only", "*.gff.gz", "--to", "complete")
    local.extract("--status", "excluded", "--only", "*.gff.gz", "--to", "excluded")

    local.extract("S1", "E1", "--only", "*.gff.gz", "--to", "named")

    assert names_in("complete") == ["S1.gff.gz", "S2.gff.gz"]
    assert names_in("excluded") == ["E1.gff.gz"]
    assert names_in("named") == ["E1.gff.gz", "S1.gff.gz"]


def test_what_is_in_the_folder_does_not_come_again(
    stored: Stored, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    stored.extract("S1", "--only", "*.gff.gz", "--only", "*.faa.gz", "--to", "some")
    asked.clear()

    assert stored.extract("--only", "*.faa.gz", "--only", "*.gff.gz", "--to", "some") == 0

    assert asked == ["S2.tar.gz"]
    assert len(names_in("some")) == 4
    assert "4 files of 2 genomes are in some." in capsys.readouterr().out


@pytest.mark.parametrize("change", ["removed", "truncated", "made anew", "half a line"])
def test_what_is_not_there_as_it_was_comes_again(
    local: Stored, asked: list[str], change: str
) -> None:
    local.extract("--only", "*.gff.gz", "--to", "some")
    asked.clear()
    match change:
        case "removed":
            Path("some/S1.gff.gz").unlink()
        case "truncated":
            Path("some/S1.gff.gz").write_bytes(b"")
        case "made anew":
            local.add("S1", pack({"S1/S1.gff.gz": b"new"}))
        case _:
            journal = Path("some", to_folder.JOURNAL)
            lines = journal.read_bytes().splitlines(keepends=True)
            lines.sort(key=lambda line: b'"S1"' in line)
            journal.write_bytes(lines[0] + lines[1][:20])

    assert local.extract("--only", "*.gff.gz", "--to", "some") == 0

    assert asked == ["S1.tar.gz"]
    assert Path("some/S1.gff.gz").stat().st_size


def test_files_of_earlier_calls_are_told_as_an_analysis_would_take_them_too(
    local: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    local.extract("--only", "*.gff.gz", "--to", "some")

    assert local.extract("S1", "--only", "*.gff.gz", "--to", "some") == 0

    said = capsys.readouterr().err
    assert "some also holds 1 files that this call did not choose, such as S2.gff.gz." in said


def test_all_proteins_come_into_one_file_in_the_order_of_the_genomes(stored: Stored) -> None:
    assert stored.extract("--only", "*.faa.gz", "--into", "all/proteins.faa") == 0

    assert Path("all/proteins.faa").read_bytes() == b">S1_1\nM\n>S2_1\nM\n"
    assert names_in("all") == ["proteins.faa"]
    assert hidden_in("all") == []


def test_a_compressed_file_has_members_as_they_were_and_a_new_line_between_them(
    local: Stored,
) -> None:
    assert local.extract("--only", "*.faa.gz", "--into", "proteins.faa.gz") == 0

    content = Path("proteins.faa.gz").read_bytes()
    assert gzip.decompress(content) == b">S1_1\nM\n>S2_1\nM\n"
    assert files_of("S2")["S2/main/annotator/prokka/S2.faa.gz"] in content


def test_what_was_not_compressed_is_compressed_for_a_compressed_file(local: Stored) -> None:
    assert local.extract("--only", "main/*.tsv", "--into", "tables.gz") == 0

    assert gzip.decompress(Path("tables.gz").read_bytes()) == b"genes\ncontigs\n" * 2


def test_files_of_one_name_in_one_file_are_told(
    local: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    assert local.extract("--only", "*.tsv", "--into", "tables") == 0
    assert local.extract("--only", "main/assembler/*.tsv", "--into", "contigs") == 0

    assert capsys.readouterr().err == (
        "NOTE: files of one name in several folders are in tables, such as "
        "main/annotator/prokka/S1.tsv and main/assembler/S1.tsv; "
        "a pattern with the folder takes one of them.\n"
    )


def test_one_file_is_written_anew_or_stays_whole(local: Stored) -> None:
    Path("all.faa").write_text("earlier")

    assert local.extract("--only", "*.none", "--into", "all.faa") == 1
    assert Path("all.faa").read_text() == "earlier"
    assert local.extract("--only", "*.faa.gz", "--into", "all.faa") == 0
    assert Path("all.faa").read_text().startswith(">S1")


def test_genomes_without_a_file_that_matches_are_told(
    local: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    local.add("S3", pack({"S3/other": b""}))

    assert local.extract("--only", "*.gff.gz", "--to", "some") == 0

    said = capsys.readouterr()
    assert "no file matches *.gff.gz in 1 genome, such as S3" in said.err
    assert "2 files of 2 genomes are in some." in said.out


FOLDER, FILE = ["--to", "some"], ["--into", "some/all"]


@pytest.mark.parametrize(
    ("target", "content"),
    [
        *((target, content) for target in (FOLDER, FILE) for content in HOSTILE),
        (FOLDER, pack({"S1/evil\x1b[2J": b"x"})),
        (FOLDER, pack({"S1/evil" + "l" * 300: b"x"})),
        (FILE, pack({"S1/evil.gz": b"no gzip"})),
        (FILE, pack({"S1/evil.gz": gzip.compress(b"x")[:-9]})),
    ],
)
def test_a_hostile_tarball_is_one_genomes_trouble(
    local: Stored, capsys: pytest.CaptureFixture[str], content: bytes, target: list[str]
) -> None:
    local.add("S1", content)

    assert local.extract("--only", "*.gff.gz", "--only", "*evil*", *target) == 1

    said = capsys.readouterr().err
    assert "S1: its tarball" in said
    assert "1 genome is missing, for the reasons above" in said
    assert "\x1b" not in said
    assert not list(Path().rglob("*evil*"))
    assert names_in("some") == (["S2.gff.gz"] if target is FOLDER else ["all"])


@pytest.mark.parametrize("target", [["--to", "some"], ["--into", "some/all.gff"]])
def test_a_damaged_or_missing_tarball_is_told_at_the_end_and_the_others_come(
    stored: Stored, capsys: pytest.CaptureFixture[str], target: list[str]
) -> None:
    for sample in ("D1", "D2", "D3", "D4"):
        stored.add(sample)
    whole = pack(files_of("D2"))
    stored.add("D2", whole)
    stored.put("D1", whole[:-5])
    stored.put("D2", whole[:200] + bytes(20) + whole[220:])
    stored.add("D3", whole)  # of another genome
    if stored.is_on_s3:
        stored.cohort.delete("D4.tar.gz")
    else:
        (RESULTS / "D4.tar.gz").unlink()
    receipt_path(RESULTS, "D5").write_text("{")

    assert stored.extract("--only", "*.gff.gz", *target) == 1

    said = capsys.readouterr().err
    assert "5 genomes are missing, for the reasons above" in said
    assert all(f"D{number}" in said for number in range(1, 6))
    assert "D1.tar.gz has" in said
    if target[0] == "--to":
        assert names_in("some") == ["S1.gff.gz", "S2.gff.gz"]
    else:
        assert Path("some/all.gff").read_bytes() == b"S1\nS2\n"


def test_a_tarball_of_the_right_size_but_another_content_is_not_taken(
    stored: Stored, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = pack(files_of("S1"))
    # Another time in gzip's header: everything unpacks as before.
    stored.add("S1", whole[:4] + b"1234" + whole[8:])
    stored.put("S1", whole[:4] + b"4321" + whole[8:])

    assert stored.extract("--only", "*.gff.gz", "--to", "some") == 1

    assert "S1.tar.gz has the SHA-256" in capsys.readouterr().err
    assert names_in("some") == ["S2.gff.gz"]


def test_after_the_last_folder_that_can_match_nothing_more_is_read(
    local: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    iter_members = members.iter_members

    def remember(stream: Any, sample: str) -> Any:
        for name, member, tar in iter_members(stream, sample):
            read.append(name)
            yield name, member, tar

    monkeypatch.setattr(members, "iter_members", remember)

    assert local.extract("S1", "--only", "main/annotator/*.gff.gz", "--to", "some") == 0

    assert names_in("some") == ["S1.gff.gz"]
    assert read[-1] == "main/assembler/S1.tsv"


def test_a_transfer_that_breaks_off_is_begun_anew(
    remote: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.001)
    ask = Bucket.open

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if chunk := super().read(size):
                return chunk
            raise ReadTimeoutError(endpoint_url="s3")

    def break_off(bucket: Any, name: str, first_bytes: int | None = None) -> Any:
        monkeypatch.setattr(Bucket, "open", ask)
        reply = ask(bucket, name, first_bytes)
        return reply | {"Body": Broken(reply["Body"].read()[:200])}

    monkeypatch.setattr(Bucket, "open", break_off)

    assert remote.extract("S1", "--only", "*.gff.gz", "--to", "some") == 0
    assert names_in("some") == ["S1.gff.gz"]


def test_a_transfer_that_always_breaks_off_is_one_genomes_trouble(
    local: Stored, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "FIRST_PAUSE_S", 0.0)

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ReadTimeoutError(endpoint_url="s3")

    summed = members._Summed

    def break_off(stream: Any, address: str) -> Any:
        return summed(Broken() if "S1" in address else stream, address)

    monkeypatch.setattr(members, "_Summed", break_off)

    assert local.extract("--only", "*.gff.gz", "--to", "some") == 1

    assert "1 genome is missing" in capsys.readouterr().err
    assert names_in("some") == ["S2.gff.gz"]


def test_a_small_file_that_unpacks_to_a_full_disk_is_one_genomes_trouble(
    local: Stored, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "ALWAYS_ALLOWED_BYTES", 1_000_000)
    local.add("S1", pack({"S1/S1.faa.gz": gzip.compress(bytes(50_000_000), 1)}))

    assert local.extract("--only", "*.faa.gz", "--into", "all.faa") == 1

    assert "bytes unpack to more than" in capsys.readouterr().err
    assert Path("all.faa").read_bytes() == b">S2_1\nM\n"


@pytest.mark.parametrize("target", [["--to", "some"], ["--into", "some/all"]])
def test_a_full_disk_ends_the_command_with_what_to_do(
    local: Stored,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    target: list[str],
) -> None:
    def fill(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfileobj", fill)

    assert local.extract("--only", "*.gff.gz", *target) == 1

    assert f"the disk is full at {target[1]}" in capsys.readouterr().err
    assert names_in("some") == []


def test_a_dry_run_says_how_much_would_be_read_and_writes_nothing(
    stored: Stored, asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert stored.extract("--only", "*", "--to", "some", "--dry-run") == 0

    said = capsys.readouterr().out
    size = sum(stored.cohort.receipt(sample)["tarball"]["bytes"] for sample in ("S1", "S2"))
    assert f"2 genomes are chosen; their tarballs have {size:,} bytes at" in said
    assert ("What leaves AWS" in said) == stored.is_on_s3
    assert asked == []
    assert not Path("some").exists()


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--to", "results"], "results holds the results"),
        (["--to", "some/../results"], "holds the results"),
        (["--into", "results"], "results is a folder; --into names a file"),
        (["S9", "--to", "some"], "1 of 1 names have no receipt"),
        (["--species", "Escherichia coli", "--to", "some"], "none of the genomes"),
    ],
)
def test_a_target_or_a_choice_that_makes_no_sense_is_refused(
    local: Stored, capsys: pytest.CaptureFixture[str], options: list[str], problem: str
) -> None:
    assert local.extract("--only", "*", *options) == 1
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    "options",
    [["--only", "*"], ["--to", "some"], ["--only", "*", "--to", "some", "--into", "all"]],
)
def test_files_and_one_target_must_be_named(local: Stored, options: list[str]) -> None:
    with pytest.raises(SystemExit):
        local.extract(*options)


def test_long_work_says_how_far_it_is(
    local: Stored, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tally, "PROGRESS_S", 0.0)

    local.extract("--only", "*.gff.gz", "--to", "some")

    assert "1 of 2 genomes\n2 of 2 genomes\n" in capsys.readouterr().err


def test_results_in_order_wait_for_earlier_ones_but_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parallel, "AHEAD", 2)
    begun: list[int] = []

    def items() -> Any:
        for number in range(6):
            begun.append(number)
            yield number

    answers = in_order(lambda number: number * 10, items())

    assert next(answers) == (0, 0)
    assert begun == [0, 1, 2]
    assert list(answers) == [(number, number * 10) for number in range(1, 6)]
