"""`bactofleet schemes`, at a server that answers as PubMLST does, or as nobody should."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.archive_server import Archive

from bactofleet.cli import schemes
from bactofleet.cli.main import main
from bactofleet.core.schemes import find_scheme_fault, list_schemes, read_scheme, read_species_map

DATABASE = "/pubmlst/db/pubmlst_saureus_seqdef"
PROFILES = b"ST\tarcC\taroE\tclonal_complex\n8\t3\t3\tCC8\n"


@pytest.fixture
def pubmlst(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """A server with the definitions of two species: one MLST scheme, and one of another kind."""
    monkeypatch.setattr(schemes, "CLIENT", schemes.CLIENT.__class__(print, attempts=2))
    groups = [
        {"name": "saureus", "databases": [described("Staphylococcus aureus", "saureus")]},
        {"name": "bordetella", "databases": [described("Bordetella spp.", "bordetella")]},
        {"name": "isolates", "databases": [{"name": "pubmlst_saureus_isolates"}]},
    ]
    answer(archive, "/pubmlst/db", groups)
    for name in ("saureus", "bordetella"):
        place = f"/pubmlst/db/pubmlst_{name}_seqdef"
        kinds = {1: "MLST", 2: "cgMLST", 20: "Virulence"}
        listed = [
            {"scheme": f"https://elsewhere{place}/schemes/{number}", "description": kind}
            for number, kind in kinds.items()
        ]
        answer(archive, f"{place}/schemes", {"records": 3, "schemes": listed})
        loci = [f"https://elsewhere{place}/loci/{locus}" for locus in ("arcC", "aroE")]
        answer(archive, f"{place}/schemes/1", {"loci": loci})
        archive.pages[f"{place}/schemes/1/profiles_csv"] = PROFILES
        for locus in ("arcC", "aroE"):
            archive.pages[f"{place}/loci/{locus}/alleles_fasta"] = b">%s_3\nACGT\n" % locus.encode()
    return archive


def described(species: str, name: str) -> dict[str, str]:
    description = f"{species} sequence/profile definitions"
    return {"name": f"pubmlst_{name}_seqdef", "description": description, "href": "https://x"}


def answer(archive: Archive, path: str, content: Any) -> None:
    archive.pages[path] = json.dumps(content).encode()


def fetch(folder: Path, species: str = "Staphylococcus aureus") -> int:
    return main(["schemes", species, "--to", str(folder)])


def test_the_mlst_scheme_of_a_species_is_ready_for_the_workflow(
    pubmlst: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(tmp_path / "schemes") == 0

    (table,) = list_schemes(tmp_path / "schemes")
    scheme = read_scheme(table)
    assert (scheme.name, list(scheme.loci)) == ("saureus", ["arcC", "aroE"])
    assert scheme.profiles == {("3", "3"): "8"}
    assert find_scheme_fault(tmp_path / "schemes") == ""
    assert "/schemes`. For terms and what to cite see --help." in capsys.readouterr().out


def test_the_folder_says_which_scheme_is_for_which_species(
    pubmlst: Archive, tmp_path: Path
) -> None:
    assert fetch(tmp_path) == fetch(tmp_path, "Bordetella pertussis") == 0

    assert read_species_map(tmp_path) == {
        "Staphylococcus aureus": ["saureus"],
        "Bordetella pertussis": ["bordetella"],
    }


def test_several_schemes_of_a_species_have_numbers(pubmlst: Archive, tmp_path: Path) -> None:
    listed = [
        {"scheme": f"https://x/{number}", "description": f"MLST ({name})"}
        for number, name in ((1, "Achtman"), (4, "Pasteur"))
    ]
    answer(pubmlst, f"{DATABASE}/schemes", {"schemes": listed})
    for kind in ("", "/profiles_csv"):
        page = pubmlst.pages[f"{DATABASE}/schemes/1{kind}"]
        pubmlst.pages[f"{DATABASE}/schemes/4{kind}"] = page

    assert fetch(tmp_path) == 0

    assert [table.parent.name for table in list_schemes(tmp_path)] == ["saureus_1", "saureus_4"]


def test_a_newer_scheme_replaces_an_older_one_whole(pubmlst: Archive, tmp_path: Path) -> None:
    assert fetch(tmp_path) == 0
    (tmp_path / "saureus/old.tfa").touch()
    pubmlst.pages[f"{DATABASE}/schemes/1/profiles_csv"] = PROFILES + b"9\t3\t3\t\n"

    assert fetch(tmp_path) == 0

    assert not (tmp_path / "saureus/old.tfa").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("saureus", "scheme_species_map.tab")
    ]


def test_a_species_without_definitions_is_refused_with_those_of_its_genus(
    pubmlst: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fetch(tmp_path, "Staphylococcus argenteus") == 1
    assert "it has Staphylococcus aureus" in capsys.readouterr().err
    assert fetch(tmp_path, "Vibrio cholerae") == 1
    assert "nor any other Vibrio" in capsys.readouterr().err


@pytest.mark.parametrize("species", ["saureus", "../x y", "Staphylococcus", "A b; rm"])
def test_what_is_no_species_is_asked_of_nobody(
    pubmlst: Archive, tmp_path: Path, species: str
) -> None:
    with pytest.raises(SystemExit):
        fetch(tmp_path, species)

    assert not pubmlst.requests


HOSTILE = {
    "a locus is a path": (
        "schemes/1",
        json.dumps({"loci": ["https://x/loci/..%2F..%2Fetc%2Fpasswd"]}).encode(),
        "is no name of a locus",
    ),
    "a locus draws on the terminal": (
        "schemes/1",
        json.dumps({"loci": ["https://x/loci/%1b[2J"]}).encode(),
        "is no name of a locus",
    ),
    "a scheme has thousands of loci": (
        "schemes/1",
        json.dumps({"loci": [f"https://x/loci/l{i}" for i in range(3000)]}).encode(),
        "has 3000 loci",
    ),
    "a scheme is no object": ("schemes/1", b"[]", "has 0 loci"),
    "an answer is no JSON": ("schemes/1", b"<html>", "undocumented form"),
    "an answer is nested too deeply": ("schemes/1", b"[" * 100_000, "undocumented form"),
    "profiles are a page": ("schemes/1/profiles_csv", b"<html>", "no column ST"),
    "profiles are of other loci": (
        "schemes/1/profiles_csv",
        b"ST\tx\n1\t1\n",
        "no file of",
    ),
    "alleles are a page": ("loci/arcC/alleles_fasta", b"<html>", "does not end with the number"),
    "alleles are no text": ("loci/arcC/alleles_fasta", b"\xff\xfe", "decode"),
}


@pytest.mark.parametrize(("place", "content", "reason"), HOSTILE.values(), ids=HOSTILE)
def test_an_answer_that_is_no_scheme_changes_nothing(
    pubmlst: Archive,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    place: str,
    content: bytes,
    reason: str,
) -> None:
    assert fetch(tmp_path / "schemes") == 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    pubmlst.pages[f"{DATABASE}/{place}"] = content

    assert fetch(tmp_path / "schemes") == 1

    assert reason in capsys.readouterr().err
    after = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()}
    assert after == {path: time for path, time in before.items() if path.is_file()}
    assert set(tmp_path.rglob("*")) == set(before)


@pytest.mark.parametrize("name", ["pubmlst_../../x_seqdef", "pubmlst_a/b_seqdef", None, 3])
def test_a_database_with_a_hostile_name_is_not_asked(
    pubmlst: Archive, tmp_path: Path, name: Any
) -> None:
    databases = [described("Staphylococcus aureus", "x") | {"name": name}, None, "x"]
    answer(pubmlst, "/pubmlst/db", [{"databases": databases}, {"databases": 3}, None])

    assert fetch(tmp_path) == 1
    assert [request.path for request in pubmlst.requests] == ["/pubmlst/db"]


def test_a_server_that_is_down_is_named(
    pubmlst: Archive, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pubmlst.down.add("/pubmlst/")

    assert fetch(tmp_path) == 1
    assert "503" in capsys.readouterr().err
