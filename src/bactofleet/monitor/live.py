"""A run shown while it goes on: one view that stays in its place, or a line now and then."""

from __future__ import annotations

import os
import secrets
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from bactofleet.monitor.display import to_view
from bactofleet.monitor.snapshot import Observer, Snapshot, get_pause
from bactofleet.monitor.wording import describe_briefly

# Lines come every minute at first; in a run of five days there are some 550.
MIN_LINE_PAUSE_S, MAX_LINE_PAUSE_S = 60.0, 900.0
LINES_PER_RUN_TIME = 20
_DRAIN_S = 5.0


class Watch:
    """Looks at a run again and again, in a thread of its own, until it ends."""

    def __init__(
        self,
        observer: Observer,
        show: Callable[[Snapshot], object],
        pause: Callable[[float, float], float],
        closing: ExitStack,
    ) -> None:
        """Call `show` with what each look finds.

        `pause` gives the seconds until the next look, from those of the last one and those since
        the start; `closing` is closed at the end.
        """
        self._observer, self._show, self._pause, self._closing = observer, show, pause, closing
        self._begun = time.monotonic()
        self._ended = threading.Event()
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Show the last state, and stop."""
        self._ended.set()
        self._thread.join()
        with self._closing:
            self._look()

    def _run(self) -> None:
        look_s = 0.0
        while not self._ended.wait(self._pause(look_s, time.monotonic() - self._begun)):
            begun = time.monotonic()
            self._look()
            look_s = time.monotonic() - begun

    def _look(self) -> None:
        """Show the state; whatever cannot be read or shown now must not end the run."""
        try:
            self._show(self._observer.look())
        except Exception as error:
            if str(error) != self._trouble:
                print(f"bactofleet: the progress cannot be read now: {error}", file=sys.stderr)
            self._trouble = str(error)


def watch(observer: Observer, stream: TextIO, *, nocolor: bool) -> Watch:
    """Show a run on a stream, in the way that suits it."""
    console = Console(file=stream, no_color=nocolor or None)
    # Rich alone would also take a file for a terminal, if FORCE_COLOR is set.
    if stream.isatty() and console.is_terminal and not console.is_dumb_terminal:
        return _watch_in_place(observer, stream, nocolor=nocolor)

    def show(snapshot: Snapshot) -> None:
        print(f"bactofleet: {describe_briefly(snapshot)}", file=stream, flush=True)

    return Watch(observer, show, get_line_pause, ExitStack())


def get_line_pause(look_s: float, elapsed_s: float) -> float:
    """Return the seconds until the next line, `elapsed_s` seconds after the start."""
    usual = max(MIN_LINE_PAUSE_S, elapsed_s / LINES_PER_RUN_TIME)
    return max(min(MAX_LINE_PAUSE_S, usual), get_pause(look_s))


def _watch_in_place(observer: Observer, stream: TextIO, *, nocolor: bool) -> Watch:
    closing = ExitStack()
    terminal = closing.enter_context(os.fdopen(os.dup(stream.fileno()), "w"))
    console = Console(file=terminal, no_color=nocolor or None)
    live = Live(console=console, auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
    # Rich takes the view's place and writes it in two steps, between which a line of another thread
    # would leave a second view.
    drawing = threading.Lock()

    def fit() -> None:
        # Rich asks the standard streams for the size, which may all lead elsewhere.
        size = os.get_terminal_size(terminal.fileno())
        if all(size):
            console.size = size

    def show_line(line: str) -> None:
        with drawing:
            fit()
            console.print(Text.from_ansi(line), soft_wrap=True)

    fit()
    capture = Capture(show_line)
    with drawing:
        closing.enter_context(live)
    closing.callback(capture.end)

    def show(snapshot: Snapshot) -> None:
        with drawing:
            fit()
            live.update(to_view(snapshot), refresh=True)

    return Watch(observer, show, lambda look_s, _: get_pause(look_s) if look_s else 0, closing)


class Capture:
    """Gives each line that this process and its children write to a function, until it ends.

    Standard streams that lead to the terminal lead into a pipe meanwhile: text that a child writes
    to the terminal itself would tear the view apart.
    """

    def __init__(self, show: Callable[[str], object]) -> None:
        self._show = show
        self._kept = {number: os.dup(number) for number in (1, 2) if os.isatty(number)}
        reading, writing = os.pipe()
        _flush()
        for number in self._kept:
            os.dup2(writing, number)
        self._writing = writing
        # Nobody else writes this by chance.
        self._end_mark = f"\0{secrets.token_hex()}\n"
        self._drained = threading.Event()
        # To the end of the process: a child that outlives the view goes on writing.
        threading.Thread(target=self._read, args=(reading,), name="capture", daemon=True).start()

    def end(self) -> None:
        """Give the streams back, after all lines until now."""
        _flush()
        for number, kept in self._kept.items():
            os.dup2(kept, number)
        os.write(self._writing, self._end_mark.encode())
        self._drained.wait(_DRAIN_S)
        os.close(self._writing)

    def _read(self, reading: int) -> None:
        with os.fdopen(reading, encoding="utf-8", errors="replace", newline="\n") as lines:
            for line in lines:
                is_last = line.endswith(self._end_mark)
                text = line.removesuffix(self._end_mark if is_last else "\n")
                # Without a reader, whoever writes would be killed (SIGPIPE).
                with suppress(Exception):
                    if text or not is_last:
                        self._show(text)
                if is_last:
                    self._show = _show_plainly
                    self._drained.set()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()


def _show_plainly(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
