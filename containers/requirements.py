"""Print the requirements that a pyproject.toml on standard input pins, one a line.

The argument names the table: ``project`` (its ``dependencies``) or ``build-system`` (``requires``).
"""

import sys
import tomllib

KEYS = {"project": "dependencies", "build-system": "requires"}

table = sys.argv[1]
print("\n".join(tomllib.load(sys.stdin.buffer)[table][KEYS[table]]))
