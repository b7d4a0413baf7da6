"""A folder for PYTHONPATH: Python runs its `sitecustomize` before a tool that is written in it."""
