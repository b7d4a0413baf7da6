"""Print the requirements that a pyproject.toml on standard input pins, one a line.

The argument names the table: ``project`` (its ``dependencies``) or ``build-system`` (``requires``).
What is not pinned is a package of this repository.
"""

import sys
import tomllib

KEYS = {"project": "dependencies", "build-system": "requires"}

table = sys.argv[1]
requirements = tomllib.load(sys.stdin.buffer)[table][KEYS[table]]
print("\n".join(line for line in requirements if "==" in line))
