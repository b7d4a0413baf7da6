"""The RO-Crate of a cohort: valid, and true to the receipts, at any size.

Rules are those of https://www.researchobject.org/ro-crate/specification/1.1/ and of the profile
https://w3id.org/ro/wfrun/process/0.5.
"""

import json
import random
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from rocrate.rocrate import ROCrate
from support.synthetic_cohort import make_receipt, write_genomes, write_receipt

from bactofleet.core.files import sha256_of
from bactofleet.report.cohort import read_cohort, write_parquet, write_tsv
from bactofleet.report.provenance import crate as crate_module
from bactofleet.report.provenance.build import write_provenance

# https://w3id.org/ro/crate/1.1/context
CRATE_TERMS = {
    *("Collection", "CreateAction", "CreativeWork", "Dataset", "File", "PropertyValue"),
    *("ScholarlyArticle", "SoftwareApplication", "about", "actionStatus", "additionalType"),
    *("alternateName", "citation", "conformsTo", "contentSize", "datePublished", "description"),
    *("encodingFormat", "endTime", "error", "hasPart", "identifier", "instrument", "license"),
    *("mentions", "name", "object", "result", "sdDatePublished", "softwareRequirements"),
    *("softwareVersion", "unitText", "url", "value", "variableMeasured", "version"),
}
# https://w3id.org/ro/terms/workflow-run/context
RUN_TERMS = {"ContainerImage", "containerImage", "md5", "registry", "sha256", "tag"}
KINDS = ["complete", "excluded", "failed", "waiting", "complete"]

Entities = dict[str, dict[str, Any]]


def make_crate(
    results: Path, samples: list[str], own: dict[str, dict[str, str]] | None = None
) -> Entities:
    """Write the table and the crate; return its entities by id."""
    cohort = read_cohort(results, samples, own=own or {})
    write_tsv(cohort.table, results / "cohort.tsv")
    write_tsv(cohort.timings, results / "timings.tsv")
    write_parquet(cohort.table, results / "cohort.parquet")
    write_provenance(results, cohort, "A cohort")
    document = json.loads((results / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    assert document["@context"] == [
        "https://w3id.org/ro/crate/1.1/context",
        "https://w3id.org/ro/terms/workflow-run/context",
    ]
    entities = {entity["@id"]: entity for entity in document["@graph"]}
    assert len(entities) == len(document["@graph"])
    return entities


@pytest.fixture
def samples(tmp_path: Path) -> list[str]:
    """Return the samples of a cohort of all kinds."""
    return write_genomes(tmp_path, KINDS)


@pytest.fixture(scope="module", params=["each", "groups"])
def crate(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Entities]:
    """Return a crate of either size: with an action a genome, or a group of genomes."""
    results = tmp_path_factory.mktemp("crate")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "groups":
            patch.setattr(crate_module, "MAX_GENOMES", 2)
        return results, make_crate(results, write_genomes(results, KINDS))


@pytest.fixture
def results(crate: tuple[Path, Entities]) -> Path:
    """Return the folder of the crate; tests only read it."""
    return crate[0]


@pytest.fixture
def entities(crate: tuple[Path, Entities]) -> Entities:
    """Return what is in the crate, by its ids."""
    return crate[1]


def references(value: Any) -> list[str]:
    """Return the ids that a property refers to."""
    values = value if isinstance(value, list) else [value]
    return [item["@id"] for item in values if isinstance(item, dict)]


def list_kind(entities: Entities, kind: str) -> list[dict[str, Any]]:
    return [entity for entity in entities.values() if entity["@type"] == kind]


def test_the_descriptor_leads_to_a_root_with_what_it_must_have(entities: Entities) -> None:
    descriptor, root = list(entities.values())[:2]

    assert descriptor == {
        "@id": "ro-crate-metadata.json",
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    assert (root["@id"], root["@type"], root["name"]) == ("./", "Dataset", "A cohort")
    assert root["description"] == (
        "5 genomes of a sample sheet: 2 complete, 1 waiting, 1 excluded, 1 failed."
    )
    assert root["datePublished"].startswith("2026-11-")
    assert root["license"]
    assert entities[root["conformsTo"]["@id"]]["@id"] == "https://w3id.org/ro/wfrun/process/0.5"


def test_the_graph_is_flat_and_every_reference_resolves(entities: Entities) -> None:
    known_elsewhere = (
        "https://w3id.org/ro/crate/1.1",
        "https://w3id.org/ro/terms/workflow-run#DockerImage",
    )
    for entity in entities.values():
        for name, value in entity.items():
            for item in value if isinstance(value, list) else [value]:
                assert isinstance(item, str) or list(item) == ["@id"], (entity["@id"], name)
            for identifier in references(value):
                assert identifier in entities or identifier.startswith(known_elsewhere)


def test_lists_hold_more_than_one_thing(entities: Entities) -> None:
    lists = [v for entity in entities.values() for v in entity.values() if isinstance(v, list)]

    assert lists
    assert all(len(value) > 1 for value in lists)


def test_every_type_and_property_is_a_term_of_the_contexts(entities: Entities) -> None:
    used = {name for entity in entities.values() for name in entity if not name.startswith("@")}
    used |= {entity["@type"] for entity in entities.values()}

    assert used <= CRATE_TERMS | RUN_TERMS


def test_files_with_relative_ids_are_there_and_all_data_hang_on_the_root(
    results: Path, entities: Entities
) -> None:
    data = [
        entity["@id"]
        for kind in ("File", "Dataset")
        for entity in list_kind(entities, kind)
        if not entity["@id"].startswith(("#", "./"))
    ]
    local = [unquote(name) for name in data if not urlsplit(name).scheme]
    tarballs = [name for name in local if name.endswith(".tar.gz")]

    assert sorted(data) == sorted(references(entities["./"]["hasPart"]))
    tables = {"cohort.tsv", "cohort.parquet", "timings.tsv", "inputs.tsv"}
    assert tables | {"citations.bib", "receipts/", "failed/"} <= set(local)
    assert all((results / name).exists() for name in local if name not in tarballs)


def test_files_of_the_crate_have_their_size_and_checksum(results: Path, entities: Entities) -> None:
    for name in ("cohort.tsv", "cohort.parquet", "timings.tsv", "inputs.tsv", "citations.bib"):
        assert entities[name]["contentSize"] == str((results / name).stat().st_size)
        assert entities[name]["sha256"] == sha256_of(results / name)


@pytest.mark.parametrize("table", ["cohort.tsv", "timings.tsv", "inputs.tsv"])
def test_columns_of_the_tables_are_described(results: Path, entities: Entities, table: str) -> None:
    described = references(entities[table]["variableMeasured"])
    header = (results / table).read_text().splitlines()[0].split("\t")

    assert [entities[identifier]["name"] for identifier in described] == header
    assert all(entities[identifier]["description"] for identifier in described)


def test_actions_are_reported_with_software_image_parameters_and_database(
    entities: Entities,
) -> None:
    actions = list_kind(entities, "CreateAction")

    assert {action["@id"] for action in actions} < set(references(entities["./"]["mentions"]))
    for action in (action for action in actions if "Completed" in action["actionStatus"]):
        software = entities[action["instrument"]["@id"]]
        tools = [entities[name] for name in references(software["softwareRequirements"])]
        assert (software["@type"], software["softwareVersion"]) == ("SoftwareApplication", "0.1.0")
        assert {"fastp": "0.24.0", "prokka": "1.14.6"}.items() <= {
            tool["name"]: tool["softwareVersion"] for tool in tools
        }.items()
        image = entities[action["containerImage"]["@id"]]
        assert (image["name"], image["tag"]) == ("bactofleet", "latest")
        assert image["sha256"] == "1a2b" * 16
        collections = [
            entities[name]
            for name in references(action["object"])
            if entities[name]["@type"] == "Collection"
        ]
        values = {
            entities[name]["name"]: entities[name]["value"]
            for collection in collections
            for name in references(collection["hasPart"])
        }
        assert values["assembler"] == "skesa"


def test_rocrate_reads_it(results: Path, entities: Entities) -> None:
    """As the reference implementation understands it."""
    crate = ROCrate(results)

    assert crate.name == "A cohort"
    assert len(list(crate.get_entities())) == len(entities)
    assert {entity.id for entity in crate.data_entities} >= {"cohort.tsv", "inputs.tsv"}
    assert [action.type for action in crate.get_by_type("CreateAction")]
    assert crate.get("cohort.tsv")["variableMeasured"][0]["name"] == "sample"


def test_a_genome_is_an_action_from_its_reads_to_its_tarball(
    tmp_path: Path, samples: list[str]
) -> None:
    entities = make_crate(tmp_path, samples)

    receipt = json.loads((tmp_path / f"receipts/{samples[0]}.json").read_text())
    action = entities[f"#genome/{samples[0]}"]
    reads = [entities[name] for name in references(action["object"]) if "input" in name]
    tarball = entities[action["result"]["@id"]]
    assert action["name"] == samples[0]
    assert datetime.fromisoformat(action["endTime"]) == datetime.fromisoformat(receipt["finished"])
    assert [(file["alternateName"], file["sha256"], file["contentSize"]) for file in reads] == [
        (file["source"], file["sha256"], str(file["bytes"])) for file in receipt["input"]["files"]
    ]
    assert (tarball["@id"], tarball["sha256"], tarball["contentSize"]) == (
        f"{samples[0]}.tar.gz",
        receipt["tarball"]["sha256"],
        str(receipt["tarball"]["bytes"]),
    )


def test_own_columns_of_the_sheet_are_said_of_each_genome_and_of_the_table(
    tmp_path: Path, samples: list[str]
) -> None:
    cells = ["Chile", "Chile", "=Peru", "", "Peru #1"]
    own = {name: {"country": cell} for name, cell in zip(samples, cells, strict=True)}

    entities = make_crate(tmp_path, samples, own)

    said = {}
    for entity in entities.values():
        if entity["@type"] == "CreateAction":
            parts = entity["object"] if isinstance(entity["object"], list) else [entity["object"]]
            found = [entities[part["@id"]] for part in parts]
            said[entity["name"]] = [
                one["value"] for one in found if one.get("name") == "sheet_country"
            ]
    ended = {name: [cell] for name, cell in zip(samples, cells, strict=True) if cell}
    assert said == ended
    columns = entities["cohort.tsv"]["variableMeasured"]
    described = [entities[column["@id"]] for column in columns]
    assert described[-1]["name"] == "sheet_country"
    assert described[-1]["description"] == "column country of the sample sheet"


def test_failed_genomes_say_why_excluded_ones_are_results_and_waiting_ones_no_actions(
    tmp_path: Path, samples: list[str]
) -> None:
    entities = make_crate(tmp_path, samples)

    excluded, failed = (entities[f"#genome/{sample}"] for sample in samples[1:3])
    assert failed["actionStatus"] == "http://schema.org/FailedActionStatus"
    assert failed["error"] in failed["description"]
    assert excluded["actionStatus"] == "http://schema.org/CompletedActionStatus"
    assert excluded["description"].startswith("excluded ")
    assert "error" not in excluded
    assert f"#genome/{samples[3]}" not in entities


def test_more_genomes_than_are_named_are_reported_in_the_groups_that_were_made_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crate_module, "MAX_GENOMES", 4)
    samples = write_genomes(tmp_path, ["complete"] * 4 + ["excluded", "failed"])
    other = make_receipt(samples[0], random.Random(1))
    write_receipt(tmp_path, other | {"image": {"name": "x", "id": "sha256:ff"}})

    actions = list_kind(make_crate(tmp_path, samples), "CreateAction")

    assert [action["name"].split(" ")[0] for action in actions] == ["1", "4", "1"]
    assert all("inputs.tsv" in references(action["object"]) for action in actions)
    assert all(action["result"] == {"@id": "cohort.tsv"} for action in actions)


def accession(source: str, **file: Any) -> dict[str, Any]:
    files = [{"source": source, "bytes": 9, "sha256": "ab" * 32, **file}]
    runs = [{"run": "SRR9", "provider": "ena", "layout": "paired", "files": files}]
    return {"kind": "accession", "sources": ["SRX9"], "runs": runs}


@pytest.mark.parametrize(
    ("source", "identifier"),
    [
        (
            "https://ftp.sra.ebi.ac.uk/vol1/a_1.fastq.gz",
            "https://ftp.sra.ebi.ac.uk/vol1/a_1.fastq.gz",
        ),
        ("https://host/a%20b.gz", "https://host/a%20b.gz"),
        ("s3://sra-pub-run-odp/sra/SRR9/SRR9", "s3://sra-pub-run-odp/sra/SRR9/SRR9"),
        ("s3://own/run 1/100%.gz", "s3://own/run%201/100%25.gz"),
        ("sra:SRR9", "sra:SRR9"),
    ],
)
def test_reads_from_elsewhere_are_named_by_their_address_and_run(
    tmp_path: Path, source: str, identifier: str
) -> None:
    write_genomes(tmp_path, [])
    receipt = make_receipt("S1", random.Random(1))
    write_receipt(tmp_path, receipt | {"input": accession(source, md5="cd" * 16)})

    file = make_crate(tmp_path, ["S1"])[identifier]

    assert (file["identifier"], file["sha256"], file["md5"]) == ("SRR9", "ab" * 32, "cd" * 16)


def test_one_address_with_two_contents_is_two_files(tmp_path: Path) -> None:
    write_genomes(tmp_path, [])
    checksums = {"S1": "ab" * 32, "S2": "ab" * 32, "S3": "cd" * 32}
    for sample, checksum in checksums.items():
        given = accession("https://host/x.gz", sha256=checksum)
        write_receipt(tmp_path, make_receipt(sample, random.Random(1)) | {"input": given})

    entities = make_crate(tmp_path, list(checksums))

    first, second, third = (
        entities[references(entities[f"#genome/{sample}"]["object"])[0]] for sample in checksums
    )
    assert first is second
    assert (first["sha256"], third["sha256"]) == ("ab" * 32, "cd" * 32)


def test_tarballs_on_s3_are_named_by_their_address(tmp_path: Path) -> None:
    write_genomes(tmp_path, [])
    receipt = make_receipt("S1", random.Random(1))
    receipt["tarball"]["path"] = "s3://bucket/cohort/S1.tar.gz"
    write_receipt(tmp_path, receipt)

    entities = make_crate(tmp_path, ["S1"])

    assert entities["s3://bucket/cohort/S1.tar.gz"]["sha256"] == receipt["tarball"]["sha256"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "123.dkr.ecr.us-east-1.amazonaws.com/x/y:tag",
            ("123.dkr.ecr.us-east-1.amazonaws.com", "x/y", "tag"),
        ),
        ("localhost:5000/x", ("localhost:5000", "x", None)),
        ("team/x:1", (None, "team/x", "1")),
    ],
)
def test_an_image_is_split_into_registry_name_and_tag(
    tmp_path: Path, name: str, expected: tuple[str | None, ...]
) -> None:
    write_genomes(tmp_path, [])
    image = {"name": name, "id": "sha256:ab"}
    write_receipt(tmp_path, make_receipt("S1", random.Random(1)) | {"image": image})

    (found,) = list_kind(make_crate(tmp_path, ["S1"]), "ContainerImage")

    assert tuple(found.get(key) for key in ("registry", "name", "tag")) == expected


def test_hostile_text_stays_in_its_place(tmp_path: Path) -> None:
    evil = '"}],{"@id":"./"\n</script>\x00\u2028 ../../etc'
    write_genomes(tmp_path, [])
    receipt = make_receipt("S1", random.Random(1))
    receipt["input"]["files"] = [{"source": evil, "bytes": 1, "sha256": evil}]
    receipt["versions"] = {evil: evil, "fastp": evil}
    receipt["parameters"] = {evil: evil}
    receipt["fingerprint"] = {"image": evil, "parameters": evil}
    receipt["image"] = {"name": evil, "id": evil, "digest": evil}
    receipt["tarball"]["path"] = f"s3://{evil}"
    write_receipt(tmp_path, receipt)

    entities = make_crate(tmp_path, ["S1"])

    assert entities["./"]["name"] == "A cohort"
    assert entities["#genome/S1"]["name"] == "S1"
    assert datetime.fromisoformat(entities["./"]["datePublished"])
    assert not any(mark in name for name in entities for mark in ' "<>\\{}\n')
    ROCrate(tmp_path)


def test_a_cohort_without_any_result_is_a_crate_too(tmp_path: Path) -> None:
    entities = make_crate(tmp_path, ["a", "b"])

    assert entities["./"]["description"] == "2 genomes of a sample sheet: 2 waiting."
    assert list_kind(entities, "CreateAction") == []
