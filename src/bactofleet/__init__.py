"""Bacterial genomes from reads to annotated assemblies, by the ten thousand."""

__version__ = "0.2.0"
