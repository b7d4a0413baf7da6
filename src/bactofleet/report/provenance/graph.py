"""The graph of an RO-Crate: flat JSON-LD, in which entities refer to each other by ID.

https://www.researchobject.org/ro-crate/specification/1.1/appendix/jsonld.html
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from rocrate.model import ContextEntity, DataEntity
from rocrate.rocrate import ROCrate

from bactofleet.core.destination import is_s3
from bactofleet.core.samples import is_remote

VERSION = "1.1"
RUN_TERMS = "https://w3id.org/ro/terms/workflow-run"
DESCRIPTOR = "ro-crate-metadata.json"

Entity = dict[str, Any]


class Graph:
    """The entities of a crate by ID, in the order in which they were added."""

    def __init__(self) -> None:
        self._crate = ROCrate(version=VERSION)
        self._crate.metadata.extra_contexts.append(f"{RUN_TERMS}/context")

    def add(self, identifier: str, kind: str, /, **properties: Any) -> str:
        """Add an entity, unless one with this ID exists; return the ID.

        Properties without a value are left out. Files and folders that are in the crate or have a
        URI become parts of its root.
        """
        if identifier not in self._crate:
            is_data = kind in {"File", "Dataset"} and not identifier.startswith("#")
            entity = DataEntity if is_data else ContextEntity
            known = {
                name: value for name, value in properties.items() if value not in (None, "", [])
            }
            self._crate.add(entity(self._crate, identifier, {"@type": kind, **known}))
        return identifier

    def add_file(self, identifier: str, sha256: str | None, /, **properties: Any) -> str:
        """Add a file. Files with the same name and different contents become two entities."""
        # `get` searches all entities when there is none with this ID.
        known = self._crate.get(identifier) if identifier in self._crate else {}
        if sha256 and known.get("sha256", sha256) != sha256:
            identifier = f"{identifier}#sha256={sha256}"
        return self.add(identifier, "File", sha256=sha256, **properties)

    def list_kind(self, kind: str) -> list[str]:
        """Return the IDs of all entities of a kind."""
        return [entity.id for entity in self._crate.get_by_type(kind)]

    def to_json(self, root: Entity) -> str:
        """Return the document, with these properties for the root of the crate."""
        for name, value in root.items():
            self._crate.root_dataset[name] = value
        document = self._crate.metadata.generate()
        # The descriptor first, as in the examples of the specification.
        document["@graph"][:2] = reversed(document["@graph"][:2])
        return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def refer(*identifiers: str) -> Any:
    """Return a reference to one entity, or a list of references to several or none."""
    references = [{"@id": identifier} for identifier in identifiers]
    return references[0] if len(references) == 1 else references


def identify(*parts: str) -> str:
    """Return a local ID for an entity that has no URI."""
    return "#" + "/".join(quote(part, safe="") for part in parts)


def locate(source: str) -> str:
    """Return the ID of a file: its URI, or a local ID for a file of this machine."""
    if not is_remote(source) and not source.startswith("sra:"):
        return identify("input", source)
    # A key on S3 may contain any character, unescaped; URLs are already escaped.
    return quote(source, safe="/:?=&+,;@~" + ("" if is_s3(source) else "%"))
