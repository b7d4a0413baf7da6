"""A thread that looks at the run every few seconds, for as long as somebody wants to know."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from pathlib import Path

from bactofleet.core.config import read_config
from bactofleet.core.errors import ConfigurationError
from bactofleet.monitor.page.genomes import Rows
from bactofleet.monitor.page.view import View, build_view
from bactofleet.monitor.snapshot import Observer, get_pause, open_observer
from bactofleet.records.folder import check_names


class Looker(threading.Thread):
    """Keeps the last look, from which all requests are answered.

    It rests while no page asks for what it sees. A sheet or configuration that changes is read
    again.
    """

    def __init__(self, config: Path, *, live: bool) -> None:
        super().__init__(daemon=True)
        self._config = config
        self._live = live
        self._stamps: dict[Path, int] = {}
        self._wanted = threading.Event()
        self._wanted.set()
        self.observer: Observer
        self.view: View | None = None
        """What the last look saw; None before the first."""
        self.problem = ""
        """Why the look after that one failed."""

    def open(self) -> None:
        """Read configuration and sheet, and open what they name.

        Raises `ConfigurationError` where one of them cannot be read, or AWS cannot be reached.
        """
        config = read_config(self._config)
        inputs = (self._config, Path(str(config["samples"])))
        stamps = {path: _get_stamp(path) for path in inputs}
        observer = open_observer(config, live=self._live)
        check_names(observer.samples)
        self.observer, self._stamps = observer, stamps

    def ask(self) -> None:
        """Say that a page wants to know what there is."""
        self._wanted.set()

    def run(self) -> None:
        """Look, and look again; until the process ends."""
        while True:
            self._wanted.wait()
            self._wanted.clear()
            begun = time.monotonic()
            self._try_to_look()
            time.sleep(get_pause(time.monotonic() - begun))

    def _try_to_look(self) -> None:
        try:
            if any(_get_stamp(path) != stamp for path, stamp in self._stamps.items()):
                self.open()
            last = self.view.rows if self.view else Rows()
            self.view = build_view(self.observer, self.observer.look(), last)
            self.problem = ""
        except ConfigurationError as error:
            self.problem = str(error)
        except Exception as error:  # else the page would show the same for ever, and not say why
            traceback.print_exc(file=sys.stderr)
            self.problem = f"{type(error).__name__}: {error}"


def _get_stamp(path: Path) -> int:
    """Return what changes when a file does."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
