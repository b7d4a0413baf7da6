"""`bactofleet search`: from a taxon or accessions to rows of the sample sheet."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from random import Random
from typing import TextIO

import fastjsonschema
from rich.console import Console
from rich.progress import Progress

from bactofleet.archives.accessions import TAXON_ID, Query, kind_of
from bactofleet.archives.ena import Ena
from bactofleet.archives.retry import Unavailable
from bactofleet.archives.search.archives import Search
from bactofleet.archives.search.experiments import COLUMNS
from bactofleet.archives.search.filters import LAYOUTS, PLATFORMS, Limits, Rejection
from bactofleet.archives.search.genome_sizes import fetch_genome_sizes
from bactofleet.archives.search.left_out import Summary, open_summary
from bactofleet.archives.search.query import parse_query
from bactofleet.archives.search.selection import Selection
from bactofleet.archives.search.sheet import append_rows, read_known
from bactofleet.archives.sra import Sra
from bactofleet.archives.web import Client
from bactofleet.cli.options import add_output, count, find_ignored, positive
from bactofleet.core.config import load_schema
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.project import SCHEMAS
from bactofleet.core.samples import Row
from bactofleet.core.text import clean

SEED = 42
DESCRIPTION = """\
Find public reads and append one row per experiment to the sample sheet.

QUERY is one of
  "Staphylococcus aureus"   a taxon by name; its subspecies and strains are included
  1280                      a taxon by its number in the NCBI taxonomy
  PRJNA239251               a study or BioProject, a BioSample, an experiment or a run
  accessions.txt            a file with one accession per line, or with a column `accession`

ENA is asked first, then SRA for what ENA does not answer or does not have. For a run, its
experiment is added.
"""
# A minute or two in all, enough for a service to restart; Retry-After may ask for more. The first
# line of ENA's answer about a large taxon takes long.
CLIENT = Client(
    lambda line: print(clean(line), file=sys.stderr),
    attempts=7,
    longest_pause_s=600,
    read_timeout_s=300,
)
EPILOG = """\
A row is not added if the sheet already has its sample, accession or run: after a failure, the same
command continues. See docs/search.md.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.set_defaults(check=find_ignored, run=_search)
    parser.add_argument("query", metavar="QUERY", help="what to search for; see above")
    add_output(parser)
    _add_limits(parser)
    _add_subset(parser)


def _add_limits(parser: argparse.ArgumentParser) -> None:
    default = Limits()
    group = parser.add_argument_group("filters for experiments")
    group.add_argument(
        "--platform",
        choices=PLATFORMS,
        default=default.platform,
        help="sequencing platform (default: %(default)s)",
    )
    group.add_argument(
        "--layout",
        choices=LAYOUTS,
        default=default.layout,
        help="library layout of Illumina's reads, by the archive (default: %(default)s)",
    )
    group.add_argument(
        "--any-library",
        action="store_true",
        help="accept all library sources, strategies and selections",
    )
    for option, value, text in (
        ("--min-bases", default.min_bases, "minimum base pairs, over all runs"),
        ("--min-read-length", default.min_read_length, "minimum mean read length in bp"),
        ("--min-depth", default.min_depth, "minimum depth, if the genome size is known"),
    ):
        group.add_argument(
            option, type=count, default=value, metavar="N", help=f"{text} (default: %(default)s)"
        )
    group.add_argument(
        "--max-bases",
        type=positive,
        default=0,
        metavar="N",
        help="maximum base pairs, over all runs (default: no limit)",
    )
    group.add_argument(
        "--genome-size",
        type=_genome_size,
        default=0,
        metavar="BP",
        help="expected genome size for all rows (default: NCBI's for the species, if known)",
    )


def _add_subset(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("random subset")
    group.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help="stop at N random experiments, including those already in the sheet (default: all)",
    )
    group.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help=f"with --limit: the same seed gives the same subset (default: {SEED})",
    )


def _genome_size(text: str) -> int:
    size = count(text)
    if not 1_000 <= size < 1_000_000_000:
        raise argparse.ArgumentTypeError(f"must be 1000 to 999999999 bp, not {text}")
    return size


def _search(args: argparse.Namespace) -> None:
    schema = load_schema(SCHEMAS / "samples.schema.yaml")
    known = read_known(args.output)
    query = _resolve(parse_query(args.query))
    sizes = {} if args.genome_size else fetch_genome_sizes(CLIENT)
    # The table has only species: taxa below the species of the search get its size.
    size = args.genome_size or sizes.get(query.taxon, 0)
    selection = Selection(known, _limits_of(args), sizes, size, fastjsonschema.compile(schema))
    failure: BaseException | None = None
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as rows,
        open_summary(args.output) as summary,
    ):
        try:
            _collect(args, query, selection, rows, summary)
        except (Unavailable, KeyboardInterrupt) as error:
            failure = error
        if summary.kept:
            append_rows(args.output, COLUMNS, _read_rows(rows))
    summary.print("experiments", args.output)
    if failure:
        raise Unavailable(
            f"{str(failure) or 'interrupted'}\n"
            "The sheet has what was found until then; the same command goes on from there."
        )
    if not summary.examined:
        is_name = query.taxon and not TAXON_ID.fullmatch(query.taxon)
        hint = "; is it spelt as in NCBI's taxonomy?" * bool(is_name)
        raise ConfigurationError([f"neither ENA nor SRA has reads of {args.query!r}{hint}"])


def _resolve(query: Query) -> Query:
    try:
        return Ena(CLIENT).resolve(query)
    except Unavailable as error:
        # Both archives also find a taxon by name, but ENA without the taxa below it.
        print(clean(f"{error}; the taxon is searched by its name"), file=sys.stderr)
        return query


def _limits_of(args: argparse.Namespace) -> Limits:
    return Limits(
        platform=args.platform,
        layout=args.layout,
        any_library=args.any_library,
        min_bases=args.min_bases,
        max_bases=args.max_bases,
        min_read_length=args.min_read_length,
        min_depth=args.min_depth,
    )


def _collect(
    args: argparse.Namespace, query: Query, selection: Selection, rows: TextIO, summary: Summary
) -> None:
    """Write a row for each accepted experiment, until there are no more or enough."""
    random = None if args.limit is None else Random(SEED if args.seed is None else args.seed)  # noqa: S311
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("experiments", total=None)
        search = Search(
            (Ena(CLIENT), Sra(CLIENT)),
            query,
            random,
            lambda done, total: bar.update(task, completed=done, total=total),
        )
        try:
            for experiment in chain.from_iterable(search):
                summary.examined += 1
                match selection.select(experiment):
                    case Rejection(name, detail):
                        summary.leave_out(experiment.accession, name, detail)
                    case row:
                        rows.write(json.dumps(row) + "\n")
                if selection.in_sheet == args.limit:
                    return
        except Unavailable as error:
            _leave_out_missing(search, summary, "no answer", str(error))
            raise
    _leave_out_missing(search, summary, "not found", "neither ENA nor SRA has reads of it")


def _leave_out_missing(search: Search, summary: Summary, name: str, detail: str) -> None:
    for accession in filter(kind_of, search.missing.accessions):
        summary.examined += 1
        summary.leave_out(accession, name, detail)


def _read_rows(rows: TextIO) -> Iterator[Row]:
    rows.seek(0)
    return map(json.loads, rows)
