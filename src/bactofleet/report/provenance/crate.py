"""The cohort as an RO-Crate: `ro-crate-metadata.json` turns the results folder into a crate.

It follows RO-Crate 1.1 (https://w3id.org/ro/crate/1.1) and its profile Process Run Crate 0.5
(https://w3id.org/ro/wfrun/process/0.5), which describes how software made files from files. Up to
`MAX_GENOMES` genomes have one action each. In a larger cohort all genomes that were made in the
same way share one action, and the tables that the crate describes list the genomes, because
readers of JSON-LD hold the whole document in memory.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bactofleet.core.samples import is_remote
from bactofleet.core.text import counted
from bactofleet.records.folder import INPUTS, TABLE
from bactofleet.report.cohort import STATUSES, Cohort
from bactofleet.report.columns import describe_column, list_own
from bactofleet.report.provenance.citations import Reference, cite
from bactofleet.report.provenance.contents import add_contents
from bactofleet.report.provenance.graph import RUN_TERMS, Entity, Graph, identify, locate, refer
from bactofleet.report.rows import InputFile

MAX_GENOMES = 2000
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
LICENSE = "None was chosen; whoever publishes these files chooses one."
COMPLETED, FAILED = (f"http://schema.org/{end}ActionStatus" for end in ("Completed", "Failed"))
GZIP = "application/gzip"
DATABASE = "prokka database"
# Genomes with equal values of these, and an equal status, share one action.
MADE_BY = ("fingerprint_parameters", "fingerprint_image", "image_id")
SHOWN = (
    *("sample", "status", "reason_message", "finished", *MADE_BY, "image_name", "image_digest"),
    *("tarball_path", "tarball_bytes", "tarball_sha256"),
)

TableRow = dict[str, Any]


def render_crate(results: Path, cohort: Cohort, title: str) -> str:
    """Return the metadata of the folder `results`, whose other files must have been written."""
    graph = Graph()
    graph.add(PROFILE, "CreativeWork", name="Process Run Crate", version="0.5")
    own = list_own(cohort.genomes)
    add_contents(graph, results, list(map(describe_column, own)))
    rows = _list_rows(cohort)
    if len(rows) <= MAX_GENOMES:
        _add_genomes(graph, cohort, rows)
    else:
        _add_groups(graph, cohort, rows)
    return graph.to_json(_describe_root(graph, cohort, rows, title))


def _describe_root(graph: Graph, cohort: Cohort, rows: Sequence[TableRow], title: str) -> Entity:
    counts = {status: cohort.count(status) for status in reversed(STATUSES)}
    shares = ", ".join(f"{count:,} {status}" for status, count in counts.items() if count)
    finished = max(map(_moment, rows), default="")
    return {
        "name": title,
        "description": f"{counted(len(cohort.genomes), 'genome')} of a sample sheet: {shares}.",
        "datePublished": finished or f"{datetime.now(UTC):%Y-%m-%d}",
        "license": LICENSE,
        "conformsTo": refer(PROFILE),
        "mentions": refer(*graph.list_kind("CreateAction"), *graph.list_kind("Collection")),
    }


def _list_rows(cohort: Cohort) -> list[TableRow]:
    """Return the crate's columns of all genomes that have ended; unknown values are ""."""
    shown = [*SHOWN, *list_own(cohort.genomes)]
    ended = cohort.with_status("complete", "excluded", "failed")[shown]
    rows: list[TableRow] = ended.astype(object).where(ended.notna(), "").to_dict("records")
    return rows


def _moment(row: TableRow) -> str:
    """Return when a genome was finished, in the profile's format; "" if unknown."""
    return str(row["finished"]).replace("Z", "+00:00")


def _group(rows: Sequence[TableRow]) -> list[list[TableRow]]:
    """Group the genomes that were made in the same way; failed ones are separate."""
    groups: dict[tuple[object, ...], list[TableRow]] = defaultdict(list)
    for row in rows:
        groups[row["status"] == "failed", *(row[name] for name in MADE_BY)].append(row)
    return list(groups.values())


def _add_genomes(graph: Graph, cohort: Cohort, rows: Sequence[TableRow]) -> None:
    inputs: dict[str, list[InputFile]] = defaultdict(list)
    for file in cohort.inputs:
        inputs[file.sample].append(file)
    for members in _group(rows):
        method = Method(graph, cohort, members[0])
        for row in members:
            method.add_action(
                identify("genome", row["sample"]),
                objects=[
                    *(_add_input(graph, file, row) for file in inputs[row["sample"]]),
                    *_add_own(graph, row),
                ],
                results=_add_tarball(graph, row),
                name=row["sample"],
                description=f"{row['status']} {row['reason_message']}".strip(),
                endTime=_moment(row),
                error=row["reason_message"] if method.has_failed else None,
            )


def _add_groups(graph: Graph, cohort: Cohort, rows: Sequence[TableRow]) -> None:
    for number, members in enumerate(_group(rows), start=1):
        name = counted(len(members), "genome that was made so", "genomes that were made alike")
        Method(graph, cohort, members[0]).add_action(
            identify("genomes", str(number)),
            objects=[INPUTS],
            results=[TABLE],
            name=name,
            description=f"{name}; {TABLE} has the genomes and {INPUTS} their files",
            endTime=max(map(_moment, members)),
        )


class Method:
    """What genomes made in the same way share: software, image, parameters, database, status."""

    def __init__(self, graph: Graph, cohort: Cohort, row: TableRow) -> None:
        """Add these entities to the graph, from the row of one of the genomes."""
        image, settings = row["fingerprint_image"], row["fingerprint_parameters"]
        versions = cohort.software.get(image, {})
        self.has_failed = row["status"] == "failed"
        self._graph = graph
        self._used = [
            *_add_parameters(graph, settings, cohort.settings.get(settings, {})),
            *_add_database(graph, versions),
        ]
        self._shared = {
            "instrument": refer(_add_software(graph, image, versions)),
            "containerImage": refer(*_add_image(graph, row)),
            "actionStatus": FAILED if self.has_failed else COMPLETED,
        }

    def add_action(
        self, identifier: str, *, objects: list[str], results: list[str], **properties: Any
    ) -> None:
        """Add the action that made one of the genomes, or all of them."""
        used, made = refer(*objects, *self._used), refer(*results)
        known = {**properties, **self._shared}
        self._graph.add(identifier, "CreateAction", object=used, result=made, **known)


def _add_software(graph: Graph, image: str, versions: Mapping[str, str]) -> str:
    """Add bactofleet and the tools it calls, in the versions of an image."""
    tools = sorted(versions.keys() - {"bactofleet", DATABASE})
    called = [_add_tool(graph, tool, versions[tool]) for tool in tools]
    return graph.add(
        identify("software", image),
        "SoftwareApplication",
        name="bactofleet",
        softwareVersion=versions.get("bactofleet"),
        softwareRequirements=refer(*called),
        citation=refer(*_add_references(graph, "bactofleet")),
    )


def _add_tool(graph: Graph, tool: str, version: str) -> str:
    return graph.add(
        identify("tool", tool, version),
        "SoftwareApplication",
        name=tool,
        softwareVersion=version,
        url=next((citation.url for citation in cite({tool: []})), None),
        citation=refer(*_add_references(graph, tool)),
    )


def _add_references(graph: Graph, tool: str) -> list[str]:
    references = (item for citation in cite({tool: []}) for item in citation.references)
    return [_add_reference(graph, reference) for reference in references]


def _add_reference(graph: Graph, reference: Reference) -> str:
    return graph.add(
        reference.url,
        "ScholarlyArticle",
        name=reference.title,
        description=reference.text,
        datePublished=str(reference.year),
    )


def _add_database(graph: Graph, versions: Mapping[str, str]) -> list[str]:
    if DATABASE not in versions:
        return []
    name = "proteins of bacteria in which prokka searches"
    identifier = identify("database", versions[DATABASE])
    return [graph.add(identifier, "CreativeWork", name=name, version=versions[DATABASE])]


def _add_parameters(graph: Graph, settings: str, parameters: Mapping[str, str]) -> list[str]:
    """Add the parameters of a fingerprint as one collection that every genome can refer to."""
    if not parameters:
        return []
    values = [
        graph.add(
            identify("parameter", settings, name),
            "PropertyValue",
            name=name,
            value=value or "not set",
        )
        for name, value in parameters.items()
    ]
    identifier, name = identify("parameters", settings), f"parameters {settings}"
    return [graph.add(identifier, "Collection", name=name, hasPart=refer(*values))]


def _add_image(graph: Graph, row: TableRow) -> list[str]:
    """Add the container image, if one was used and its ID is known."""
    if not row["image_id"]:
        return []
    registry, name, tag = _split_image(str(row["image_name"]))
    identifier = identify("image", str(row["image_id"]))
    return [
        graph.add(
            identifier,
            "ContainerImage",
            additionalType=refer(f"{RUN_TERMS}#DockerImage"),
            registry=registry,
            name=name,
            tag=tag,
            sha256=str(row["image_id"]).removeprefix("sha256:"),
            identifier=row["image_digest"],
        )
    ]


def _split_image(image: str) -> tuple[str, str, str]:
    """Return registry, name and tag; an image that is only on this machine has no registry."""
    first, slash, rest = image.partition("/")
    is_registry = slash and (first == "localhost" or "." in first or ":" in first)
    name, _, tag = (rest if is_registry else image).partition(":")
    return first if is_registry else "", name, tag


def _add_input(graph: Graph, file: InputFile, row: TableRow) -> str:
    """Add an input file of a genome; a remote file gets the time when the genome was finished."""
    is_far = is_remote(file.source)
    return graph.add_file(
        locate(file.source),
        file.sha256,
        md5=file.md5,
        name=Path(file.source).name,
        description="what genomes were made from",
        alternateName=None if is_far else file.source,
        identifier=file.run,
        contentSize=None if file.bytes is None else str(file.bytes),
        encodingFormat=GZIP if file.source.endswith(".gz") else None,
        sdDatePublished=_moment(row) if is_far else None,
    )


def _add_own(graph: Graph, row: TableRow) -> list[str]:
    """Add what the user's own columns of the sheet say of a genome; equal cells are one entity."""
    return [
        graph.add(
            identify("sheet", name, row[name]),
            "PropertyValue",
            name=name,
            description=describe_column(name).meaning,
            value=row[name],
        )
        for name in list_own(row)
        if row[name]
    ]


def _add_tarball(graph: Graph, row: TableRow) -> list[str]:
    path = str(row["tarball_path"])
    if not path:
        return []
    # The tarballs of a local run are in the crate's folder.
    identifier = locate(path) if is_remote(path) else quote(Path(path).name)
    return [
        graph.add_file(
            identifier,
            str(row["tarball_sha256"]),
            name=Path(path).name,
            description=f"the genome {row['sample']}",
            encodingFormat=GZIP,
            contentSize=str(row["tarball_bytes"]),
        )
    ]
