"""`bactofleet serve`: its options, and the life of its server."""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress

from bactofleet.cli.options import add_config, add_live, add_run
from bactofleet.core.errors import ConfigurationError
from bactofleet.launch.mirror import open_run
from bactofleet.monitor.page.server import PageServer
from bactofleet.monitor.page.updater import ViewUpdater

PORT = 8642
LOOPBACK = "127.0.0.1"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.set_defaults(run=run)
    add_config(parser)
    add_run(parser)
    parser.add_argument(
        "--port",
        type=int,
        default=PORT,
        help="port to listen on; 0 for any free one (default: %(default)s)",
    )
    parser.add_argument(
        "--host",
        default=LOOPBACK,
        help="address to listen on (default: %(default)s, this machine only)",
    )
    add_live(parser)


def run(args: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C.

    Raises `ConfigurationError` if configuration or sheet cannot be read, AWS does not answer, or
    the port is not available.
    """
    with open_run(args.launched, args.config) as shown:
        updater = ViewUpdater(shown.config, live=args.live, refresh=shown.refresh)
        _serve(args, updater, shown.address)


def _serve(args: argparse.Namespace, updater: ViewUpdater, address: str) -> None:
    updater.open()
    with _listen(args.host, args.port, updater) as server:
        if not server.is_local:
            print(
                f"WARNING: everyone who reaches {args.host} sees the names of samples and the "
                "ends of logs; --host 127.0.0.1 and an SSH tunnel show them to you alone.",
                file=sys.stderr,
            )
        print(
            f"{server.url} shows {address or updater.observer.results}; Ctrl-C ends it.", flush=True
        )
        updater.start()
        with suppress(KeyboardInterrupt):
            server.serve_forever()


def _listen(host: str, port: int, updater: ViewUpdater) -> PageServer:
    try:
        return PageServer(host, port, updater)
    except (OSError, OverflowError) as error:
        raise ConfigurationError(
            [f"{host}, port {port}: {error}; choose another --port, or 0 for any that is free"]
        ) from error
