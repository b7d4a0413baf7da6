"""Logger plugin of Snakemake: a run is shown as genomes, not as steps (`logger: bactofleet`).

It belongs to bactofleet's own distribution because it shows bactofleet's genomes. Every process of
Snakemake imports this module, also each job, so what it needs is imported when a run is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from logging import LogRecord

from snakemake_interface_logger_plugins.base import LogHandlerBase
from snakemake_interface_logger_plugins.settings import (
    LogHandlerSettingsBase,
    OutputSettingsLoggerInterface,
)


@dataclass
class LogHandlerSettings(LogHandlerSettingsBase):
    """There are no options of its own; Snakemake's apply."""

    @staticmethod
    def shows_jobs(output: OutputSettingsLoggerInterface) -> bool:
        """Say whether jobs are described on the terminal, as Snakemake's own options can ask."""
        return bool(output.verbose or output.printshellcmds or output.debug_dag)


class LogHandler(LogHandlerBase):
    """Shows the genomes of a run, and what concerns no single genome as Snakemake does."""

    writes_to_stream = True
    writes_to_file = False
    # Snakemake's own are used behind it.
    has_filter = True
    has_formatter = True
    needs_rulegraph = False

    def __post_init__(self) -> None:
        from bactofleet.run.terminal import Terminal  # noqa: PLC0415

        self._terminal = Terminal(
            self.common_settings, shows_jobs=LogHandlerSettings.shows_jobs(self.common_settings)
        )

    def emit(self, record: LogRecord) -> None:
        """Show a record, or begin to show the run that it announces."""
        try:
            self._terminal.show(record)
        except Exception:
            # It would end the thread that shows all records after this one.
            self.handleError(record)

    def close(self) -> None:
        """Show how the run ended."""
        self._terminal.close()
        super().close()
