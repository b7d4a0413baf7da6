"""A thread that reads the state of the run every few seconds while a page is open."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from bactofleet.core.config import read_config
from bactofleet.core.errors import ConfigurationError
from bactofleet.monitor.page.genomes import Rows
from bactofleet.monitor.page.view import View, build_view
from bactofleet.monitor.snapshot import Observer, get_pause, open_observer
from bactofleet.records.folder import check_names


class ViewUpdater(threading.Thread):
    """Keeps the latest view of the run, from which all requests are answered.

    It waits while no page requests the state. It reads the sample sheet or the configuration again
    when the file changes.
    """

    def __init__(
        self, config: Path, *, live: bool, refresh: Callable[[], None] = lambda: None
    ) -> None:
        super().__init__(daemon=True)
        self._config = config
        self._live = live
        self._refresh = refresh
        self._stamps: dict[Path, int] = {}
        self._wanted = threading.Event()
        self._wanted.set()
        self.observer: Observer
        self.view: View | None = None
        """Latest state of the run; None until it was read for the first time."""
        self.problem = ""
        """Why the state could not be read again."""

    def open(self) -> None:
        """Read the configuration and the sample sheet, and open the results that they name.

        Raises `ConfigurationError` if one of them cannot be read, or AWS cannot be reached.
        """
        config = read_config(self._config)
        inputs = (self._config, Path(str(config["samples"])))
        stamps = {path: _get_stamp(path) for path in inputs}
        observer = open_observer(config, live=self._live, refresh=self._refresh)
        check_names(observer.samples)
        self.observer, self._stamps = observer, stamps

    def ask(self) -> None:
        """Request a new view of the run, for a page."""
        self._wanted.set()

    def run(self) -> None:
        """Read the state repeatedly until the process ends."""
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
        except Exception as error:  # otherwise the page would silently stop changing
            traceback.print_exc(file=sys.stderr)
            self.problem = f"{type(error).__name__}: {error}"


def _get_stamp(path: Path) -> int:
    """Return the modification time of a file (ns); 0 if it does not exist."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0
