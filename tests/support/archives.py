"""ENA's Portal API, its taxonomy service, NCBI's E-utilities and table of genome sizes, locally.

Formats and limits are those of https://www.ebi.ac.uk/ena/portal/api/doc,
https://ena-docs.readthedocs.io/en/latest/retrieval/programmatic-access/taxon-api.html and
https://www.ncbi.nlm.nih.gov/books/NBK25499/. As with the real ones, no order is kept from one
answer to the next.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import ssl
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import trustme

ENA_DEFAULT_LIMIT = 100_000
ENA_FIELDS = [
    "run_accession",
    "experiment_accession",
    "sample_accession",
    "secondary_sample_accession",
    "study_accession",
    "secondary_study_accession",
    "tax_id",
    "scientific_name",
    "instrument_platform",
    "instrument_model",
    "library_layout",
    "library_source",
    "library_strategy",
    "library_selection",
    "read_count",
    "base_count",
    "fastq_ftp",
    "fastq_md5",
    "fastq_bytes",
]
RUNINFO = (
    "Run,ReleaseDate,LoadDate,spots,bases,spots_with_mates,avgLength,size_MB,AssemblyName,"
    "download_path,Experiment,LibraryName,LibraryStrategy,LibrarySelection,LibrarySource,"
    "LibraryLayout,InsertSize,InsertDev,Platform,Model,SRAStudy,BioProject,Study_Pubmed_id,"
    "ProjectID,Sample,BioSample,SampleType,TaxID,ScientificName,SampleName,g1k_pop_code,source,"
    "g1k_analysis_group,Subject_ID,Sex,Disease,Tumor,Affection_Status,Analyte_Type,"
    "Histological_Type,Body_Site,CenterName,Submission,dbgap_study_accession,Consent,RunHash,"
    "ReadHash"
)
RUNINFO_OF_ENA = {
    "Run": "run_accession",
    "Experiment": "experiment_accession",
    "BioSample": "sample_accession",
    "Sample": "secondary_sample_accession",
    "BioProject": "study_accession",
    "SRAStudy": "secondary_study_accession",
    "TaxID": "tax_id",
    "ScientificName": "scientific_name",
    "Platform": "instrument_platform",
    "Model": "instrument_model",
    "LibraryLayout": "library_layout",
    "LibrarySource": "library_source",
    "LibraryStrategy": "library_strategy",
    "LibrarySelection": "library_selection",
    "spots": "read_count",
    "bases": "base_count",
    "Consent": "consent",
}
AUREUS = {
    "taxId": "1280",
    "scientificName": "Staphylococcus aureus",
    "formalName": "true",
    "rank": "species",
    "division": "PRO",
    "lineage": "Bacteria; Bacillota; Bacilli; Bacillales; Staphylococcaceae; Staphylococcus; ",
    "geneticCode": "11",
    "submittable": "true",
}
SIZES = (
    "#species_taxid\tmin_ungapped_length\tmax_ungapped_length\texpected_ungapped_length\t"
    "number_of_genomes\tmethod_determined\n"
    "562\t3700000\t6400000\t5121000\t30000\tautomatic\n"
    "1280\t2500000\t3100000\t2800000\t15000\tautomatic\n"
)

Run = dict[str, str]


def make_run(number: int, /, experiment: int | None = None, **values: Any) -> Run:
    """Return a good run as ENA describes it: paired, 500,000 pairs of 150 bp, 53x."""
    run = f"SRR{1_000_000 + number}"
    experiment = number if experiment is None else experiment
    path = f"ftp.sra.ebi.ac.uk/vol1/fastq/{run[:6]}/00{run[-1]}/{run}/{run}"
    return {
        "run_accession": run,
        "experiment_accession": f"SRX{2_000_000 + experiment}",
        "sample_accession": f"SAMN{30_000_000 + experiment}",
        "secondary_sample_accession": f"SRS{3_000_000 + experiment}",
        "study_accession": "PRJNA239251",
        "secondary_study_accession": "SRP042000",
        "tax_id": "1280",
        "scientific_name": "Staphylococcus aureus",
        "instrument_platform": "ILLUMINA",
        "instrument_model": "Illumina MiSeq",
        "library_layout": "PAIRED",
        "library_source": "GENOMIC",
        "library_strategy": "WGS",
        "library_selection": "RANDOM",
        "read_count": "500000",
        "base_count": "150000000",
        "fastq_ftp": f"{path}_1.fastq.gz;{path}_2.fastq.gz",
        "fastq_md5": f"{number:032x};{number + 1:032x}",
        "fastq_bytes": "60000000;65000000",
        **values,
    }


@dataclass
class Request:
    """What was asked."""

    path: str
    form: dict[str, str]
    user_agent: str = ""
    proxy_login: str = ""


class Fault:
    """What goes wrong with an answer."""

    def __init__(self, status: int = 200, broken: bool = False, **headers: str) -> None:
        self.status = status
        self.broken = broken
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@dataclass
class Archives:
    """What the services have, what they were asked, and what goes wrong with them."""

    ena: list[Run] = field(default_factory=list)
    sra: list[Run] = field(default_factory=list)
    taxa: dict[str, list[dict[str, str]]] = field(
        default_factory=lambda: {"Staphylococcus aureus": [AUREUS]}
    )
    lineages: dict[str, set[str]] = field(default_factory=dict)
    """By the number of a taxon, the numbers of those above it."""
    requests: list[Request] = field(default_factory=list)
    fault: Callable[[Request], Fault | None] = lambda _: None
    url: str = ""

    def environment(self) -> dict[str, str]:
        """Return the variables that lead the client here."""
        return {
            "BACTOFLEET_ENA_URL": f"{self.url}/ena",
            "BACTOFLEET_EUTILS_URL": f"{self.url}/entrez/eutils",
            "BACTOFLEET_GENOME_SIZES_URL": f"{self.url}/species_genome_size.txt.gz",
        }

    def asked(self, part: str) -> list[Request]:
        """Return the requests to paths with a part."""
        return [request for request in self.requests if part in request.path]

    def answer(self, request: Request) -> tuple[int, bytes]:
        """Return status and body."""
        name = urlsplit(request.path).path
        if name.startswith("/ena/taxonomy/rest/any-name/"):
            taxa = self.taxa.get(unquote(name.rpartition("/")[2]))
            return 200, json.dumps(taxa).encode() if taxa else b"No results."
        answers: dict[str, Callable[[dict[str, str]], tuple[int, bytes]]] = {
            "/ena/portal/api/search": self._search_ena,
            "/ena/portal/api/count": self._count_ena,
            "/entrez/eutils/esearch.fcgi": self._search_sra,
            "/entrez/eutils/efetch.fcgi": self._fetch_sra,
            "/species_genome_size.txt.gz": lambda _: (200, gzip.compress(SIZES.encode())),
        }
        return answers[name](request.form) if name in answers else (404, b"not found")

    def _count_ena(self, form: dict[str, str]) -> tuple[int, bytes]:
        return 200, f"count\n{len(self._find_ena(form))}\n".encode()

    def _search_ena(self, form: dict[str, str]) -> tuple[int, bytes]:
        fields = ENA_FIELDS if form["fields"] == "all" else form["fields"].split(",")
        if unknown := set(fields) - set(ENA_FIELDS):
            return 400, json.dumps({"message": f"Invalid field(s): {unknown}"}).encode()
        limit = int(form.get("limit", ENA_DEFAULT_LIMIT)) or None
        found = self._find_ena(form)
        if not found:
            return 204, b""
        random.shuffle(found)
        columns = [*dict.fromkeys(("run_accession", *fields))]
        lines = ("\t".join(run[column] for column in columns) for run in found[:limit])
        return 200, "\n".join(("\t".join(columns), *lines, "")).encode()

    def _find_ena(self, form: dict[str, str]) -> list[Run]:
        if taxon := re.search(r"tax_tree\((\d+)\)", form.get("query", "")):
            return [run for run in self.ena if self._is_below(run, taxon[1])]
        if name := re.fullmatch(r'tax_name\("([^"]+)"\)', form.get("query", "")):
            return [run for run in self.ena if run["scientific_name"] == name[1]]
        wanted = set(form["includeAccessions"].split(","))
        return [run for run in self.ena if any(run[name] in wanted for name in ENA_FIELDS[:6])]

    def _is_below(self, run: Run, taxon: str) -> bool:
        return run["tax_id"] == taxon or taxon in self.lineages.get(run["tax_id"], set())

    def _search_sra(self, form: dict[str, str]) -> tuple[int, bytes]:
        assert form["db"] == "sra"
        found = {self._number_of(run) for run in self.sra if self._is_named(run, form["term"])}
        start, size = int(form.get("retstart", 0)), min(int(form.get("retmax", 20)), 10_000)
        page = sorted(found, reverse=True)[start : start + size]
        result = {"count": str(len(found)), "retmax": str(len(page)), "idlist": page}
        return 200, json.dumps({"header": {"type": "esearch"}, "esearchresult": result}).encode()

    def _is_named(self, run: Run, term: str) -> bool:
        if taxon := re.fullmatch(r"txid(\d+)\[Organism:exp\]", term):
            return self._is_below(run, taxon[1])
        if name := re.fullmatch(r'"([^"]+)"\[Organism\]', term):
            return run["scientific_name"].startswith(name[1])
        wanted = dict(part.rstrip("]").split("[") for part in term.split(" OR "))
        fields = {"BioProject": ["study_accession"], "BioSample": ["sample_accession"]}
        return any(
            run[name] == accession
            for accession, index in wanted.items()
            for name in fields.get(index, ENA_FIELDS[:6])
        )

    def _fetch_sra(self, form: dict[str, str]) -> tuple[int, bytes]:
        assert (form["db"], form["rettype"]) == ("sra", "runinfo")
        wanted = set(form["id"].split(","))
        runs = [run for run in self.sra if self._number_of(run) in wanted]
        # A long answer is put together from several, each with a header and an empty line.
        return 200, "".join(f"{RUNINFO}\n{to_runinfo(run)}\n\n" for run in runs).encode()

    def _number_of(self, run: Run) -> str:
        return str(9_000_000 + int(run["experiment_accession"][3:]))


def to_runinfo(run: Run) -> str:
    """Return a run's line of a table of runs, as efetch writes it."""
    run = {"consent": "public"} | run
    return ",".join(f'"{run.get(RUNINFO_OF_ENA.get(c, ""), "")}"' for c in RUNINFO.split(","))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    archives: Archives

    def do_GET(self) -> None:
        self._serve({})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._serve({name: values[0] for name, values in parse_qs(body).items()})

    def _serve(self, form: dict[str, str]) -> None:
        login = self.headers.get("Proxy-Authorization", "")
        request = Request(self.path, form, self.headers["User-Agent"], login)
        self.archives.requests.append(request)
        fault = self.archives.fault(request) or Fault()
        status, body = (
            (fault.status, b"down") if fault.status != 200 else self.archives.answer(request)
        )
        self.send_response(status)
        for name, value in fault.headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if fault.broken else body)
        self.close_connection = fault.broken

    def log_message(self, format: str, *args: object) -> None:
        pass


class Server:
    """Serves archives on a port of the loopback interface, until the block ends."""

    def __init__(
        self, ena: Iterable[Run] = (), sra: Iterable[Run] = (), authority: trustme.CA | None = None
    ) -> None:
        self.archives = Archives(list(ena), list(sra))
        self._authority = authority

    def __enter__(self) -> Archives:
        handler = type("Handler", (_Handler,), {"archives": self.archives})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        scheme = "http"
        if self._authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._authority.issue_cert("127.0.0.1").configure_cert(context)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.archives.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self.archives

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
