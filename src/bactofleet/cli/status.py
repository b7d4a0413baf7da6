"""`bactofleet status`: its options and how often it refreshes."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console
from rich.live import Live

from bactofleet.cli.options import add_config, add_live, add_run
from bactofleet.core.config import read_config
from bactofleet.launch.mirror import open_run
from bactofleet.monitor.display import to_json, to_lines, to_panel
from bactofleet.monitor.snapshot import Observer, Snapshot, get_pause, open_observer


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=run)
    add_config(parser)
    add_run(parser)
    parser.add_argument(
        "--watch", action="store_true", help="refresh every few seconds until Ctrl-C"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one line per refresh")
    add_live(parser)


def run(args: argparse.Namespace) -> None:
    """Run the command.

    Raises `ConfigurationError` if configuration or sheet cannot be read, or AWS does not answer.
    """
    with open_run(args.launched, args.config) as shown:
        if shown.state and not args.json:
            print(shown.state, flush=True)
        config = read_config(shown.config)
        _watch(args, open_observer(config, live=args.live, refresh=shown.refresh))


def _watch(args: argparse.Namespace, observer: Observer) -> None:
    with suppress(KeyboardInterrupt), _ending_with_reader():
        if args.watch and not args.json and sys.stdout.isatty():
            _watch_on_terminal(observer)
        elif args.watch:
            _watch_as_text(observer, as_json=args.json)
        else:
            _show(observer.look(), as_json=args.json)


@contextmanager
def _ending_with_reader() -> Iterator[None]:
    """End quietly when the reader of a pipe is gone, as in `status --watch | head`.

    https://docs.python.org/3/library/signal.html#note-on-sigpipe
    """
    try:
        yield
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show(snapshot: Snapshot, *, as_json: bool) -> None:
    if as_json:
        print(to_json(snapshot), flush=True)
    elif sys.stdout.isatty():
        Console().print(to_panel(snapshot))
    else:
        print(to_lines(snapshot), flush=True)


def _watch_on_terminal(observer: Observer) -> None:
    with Live(auto_refresh=False) as live:
        for snapshot in _iter_looks(observer):
            live.update(to_panel(snapshot), refresh=True)


def _watch_as_text(observer: Observer, *, as_json: bool) -> None:
    """Print one block per refresh, each followed by an empty line: people may read the log."""
    for snapshot in _iter_looks(observer):
        _show(snapshot, as_json=as_json)
        if not as_json:
            print()


def _iter_looks(observer: Observer) -> Iterator[Snapshot]:
    while True:
        begun = time.monotonic()
        yield observer.look()
        time.sleep(get_pause(time.monotonic() - begun))
