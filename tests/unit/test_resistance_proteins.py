"""The proteins of resistance that the image gives prokka (containers/resistance.py)."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "containers/resistance.py"
TITLE = "lcl|NG_1_prot_WP_{id}.1_1 [gene={gene}] [protein=a {gene}] [protein_id=WP_{id}.1]"


def test_only_proteins_that_prokka_can_find_are_taken(tmp_path: Path) -> None:
    """At prokka's E-value none below 400 amino acids is found; a search takes time for each."""
    listed = [
        TITLE.format(id=1, gene="mecA") + "\t" + "M" * 400,
        TITLE.format(id=2, gene="blaZ") + "\t" + "M" * 399,
        "a protein without a gene\t" + "M" * 400,
    ]
    tool = tmp_path / "blastdbcmd"
    tool.write_text("#!/bin/sh\ncat <<'EOF'\n" + "\n".join(listed) + "\nEOF\n")
    tool.chmod(0o755)

    environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    command = [sys.executable, str(SCRIPT), "database"]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)

    assert printed.stdout == ">WP_1.1 ~~~mecA~~~a mecA~~~\n" + "M" * 400 + "\n"
