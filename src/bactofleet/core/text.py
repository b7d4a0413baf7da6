"""Text that others wrote, made fit for a terminal and for a table."""

from snakemake_executor_plugin_aws_batch_array.api import clean, clean_lines, to_cell

__all__ = ["clean", "clean_lines", "to_cell"]
