"""What a user may ask for, and what is refused before anything is asked."""

from pathlib import Path

import pytest

from bactofleet.archives.accessions import Query, iter_groups, kind_of
from bactofleet.archives.search.query import parse_query
from bactofleet.core.errors import ConfigurationError


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "Staphylococcus aureus",
        "1280",
        "Listeria sp. FSL_R7-0091",
        "[Clostridium] innocuum",
        "Salmonella enterica subsp. enterica serovar Typhi",
        "Streptococcus sp. 'group B'",
    ],
)
def test_a_taxon_is_named_or_numbered(text: str) -> None:
    assert parse_query(text) == Query(taxon=text)


@pytest.mark.parametrize(
    ("accession", "kind"),
    [
        ("PRJNA239251", "study"),
        ("PRJEB1787", "study"),
        ("SRP042000", "study"),
        ("SAMN04216817", "sample"),
        ("SAMEA3138382", "sample"),
        ("ERS1109783", "sample"),
        ("DRX000001", "experiment"),
        ("SRR2838702", "run"),
    ],
)
def test_an_accession_is_known_by_its_form(accession: str, kind: str) -> None:
    assert kind_of(accession) == kind
    assert parse_query(accession.lower()) == Query(accessions=(accession,))


@pytest.mark.parametrize(
    "text",
    ["", "list.txt", "../list", 'aureus" OR tax_tree(1)', "a&limit=1", "x\ny", "GCF_000013425.1%"],
)
def test_what_is_no_query_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ConfigurationError, match="is not the name or number of a taxon"):
        parse_query(text)


def test_a_file_lists_accessions_once_each(folder: Path) -> None:
    (folder / "list").write_text("# mine\nSRX1390622\n\nsrr2838702\r\nSRX1390622\n")

    assert parse_query("list") == Query(accessions=("SRX1390622", "SRR2838702"))


def test_a_file_may_be_a_table_of_bactopia_search(folder: Path) -> None:
    (folder / "list").write_text("species\taccession\nS. aureus\tSRX1390622\n")

    assert parse_query("list").accessions == ("SRX1390622",)


def test_a_file_may_be_an_archives_table(folder: Path) -> None:
    (folder / "list").write_text("Run,Experiment,BioSample\nSRR2838702,SRX1390622,SAMN04216817\n")

    assert parse_query("list").accessions == ("SRX1390622",)


def test_wrong_lines_of_a_file_are_all_named(folder: Path) -> None:
    (folder / "list").write_text("srx1390622\nsrx1\nGCF_000013425\n")

    with pytest.raises(ConfigurationError) as caught:
        parse_query("list")

    assert [problem.split(" is not the accession")[0] for problem in caught.value.problems] == [
        "list, line 2: 'srx1'",
        "list, line 3: 'GCF_000013425'",
    ]


def test_an_empty_file_is_refused(folder: Path) -> None:
    (folder / "list").write_text("\n")

    with pytest.raises(ConfigurationError, match="list: it lists no accessions"):
        parse_query("list")


def test_a_request_has_accessions_of_one_kind_and_only_so_many() -> None:
    groups = iter_groups(["SRX000001", "SRR000001", "SRX000002", "SRX000003"], size=2)

    assert list(groups) == [["SRX000001", "SRX000002"], ["SRX000003"], ["SRR000001"]]
