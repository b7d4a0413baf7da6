"""The graph of an RO-Crate: flat JSON-LD, in which entities name each other by their ids.

https://www.researchobject.org/ro-crate/specification/1.1/appendix/jsonld.html
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from bactofleet.core.destination import is_s3
from bactofleet.core.samples import is_remote

CRATE = "https://w3id.org/ro/crate/1.1"
RUN_TERMS = "https://w3id.org/ro/terms/workflow-run"
DESCRIPTOR, ROOT = "ro-crate-metadata.json", "./"
DATA = ("File", "Dataset")

Entity = dict[str, Any]


class Graph:
    """Entities by their ids, in the order in which they came."""

    def __init__(self) -> None:
        self._entities: dict[str, Entity] = {}

    def add(self, identifier: str, kind: str, /, **properties: Any) -> str:
        """Add an entity, if there is none of this id; return the id.

        Properties that have no value are left out.
        """
        if identifier not in self._entities:
            self._entities[identifier] = _make_entity(identifier, kind, properties)
        return identifier

    def add_file(self, identifier: str, sha256: str | None, /, **properties: Any) -> str:
        """Add a file. Two that have one name and different contents are two entities."""
        known = self._entities.get(identifier, {})
        if sha256 and known.get("sha256", sha256) != sha256:
            identifier = f"{identifier}#sha256={sha256}"
        return self.add(identifier, "File", sha256=sha256, **properties)

    def list_kind(self, kind: str) -> list[str]:
        """Return the ids of the entities of a kind."""
        return [name for name, entity in self._entities.items() if entity["@type"] == kind]

    def list_data(self) -> list[str]:
        """Return the ids of files and folders: of those that are in the crate or have a URI."""
        return [
            name
            for name, entity in self._entities.items()
            if entity["@type"] in DATA and not name.startswith("#")
        ]

    def to_json(self, root: Entity) -> str:
        """Return the document, with the root of the crate."""
        about = {"about": refer(ROOT), "conformsTo": refer(CRATE)}
        descriptor = _make_entity(DESCRIPTOR, "CreativeWork", about)
        graph = [descriptor, _make_entity(ROOT, "Dataset", root), *self._entities.values()]
        document = {"@context": [f"{CRATE}/context", f"{RUN_TERMS}/context"], "@graph": graph}
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _make_entity(identifier: str, kind: str, properties: Entity) -> Entity:
    known = {key: value for key, value in properties.items() if value not in (None, "", [])}
    return {"@id": identifier, "@type": kind, **known}


def refer(*identifiers: str) -> Any:
    """Return a reference, or a list of several or none."""
    references = [{"@id": identifier} for identifier in identifiers]
    return references[0] if len(references) == 1 else references


def identify(*parts: str) -> str:
    """Return the id of something that has none elsewhere."""
    return "#" + "/".join(quote(part, safe="") for part in parts)


def locate(source: str) -> str:
    """Return the id of a file that may be anywhere: its URI, or of this machine's a local id."""
    if not is_remote(source) and not source.startswith("sra:"):
        return identify("input", source)
    # A key on S3 may hold any character as it is; what stands in a URL is escaped already.
    return quote(source, safe="/:?=&+,;@~" + ("" if is_s3(source) else "%"))
