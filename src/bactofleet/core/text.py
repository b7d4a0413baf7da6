"""Text that others wrote, made fit for a terminal and for a table; and numbers with their nouns."""

from snakemake_executor_plugin_aws_batch_array.api import clean, clean_lines, to_cell

__all__ = ["clean", "clean_lines", "counted", "to_cell"]


def counted(number: int, one: str, many: str = "") -> str:
    """Return a number with its words: `1 genome is kept`, `2,000 genomes are kept`.

    Without `many`, the words for one get an s.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
