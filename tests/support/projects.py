"""A project's folder, as a user has it."""

from collections.abc import Sequence
from pathlib import Path

SCHEMAS = Path(__file__).parents[2] / "workflow" / "schemas"


def write_project(project: Path, samples: Sequence[str]) -> None:
    """Write the configuration and the sample sheet of accessions."""
    (project / "config").mkdir()
    (project / "config" / "config.yaml").write_text("min_reads: 1000\n")
    (project / "config" / "samples.tsv").write_text("\n".join(["accession", *samples, ""]))
    (project / "workflow").mkdir()
    (project / "workflow" / "schemas").symlink_to(SCHEMAS)
