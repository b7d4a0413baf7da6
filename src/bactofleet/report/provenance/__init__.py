"""Provenance of a cohort: its input files, citations for the tools, and an RO-Crate."""
