"""Stand-ins that several tests use."""

from dataclasses import dataclass, field


@dataclass
class Logger:
    """Keeps warnings."""

    warnings: list[str] = field(default_factory=list)

    def warning(self, text: str) -> None:
        self.warnings.append(text)
