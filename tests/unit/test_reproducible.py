"""What tools write of today's date, of times and of folders is taken out; all else stays."""

from pathlib import Path

import pytest

from bactofleet.genome.reproducible import fix_asn1_date, fix_genbank_date, fix_log

LOCUS = "LOCUS       S1_1       7356 bp    DNA     linear   {}"


def test_every_locus_line_of_genbank_gets_the_same_date() -> None:
    text = "\n".join(
        [LOCUS.format("22-NOV-2026"), "DEFINITION  22-NOV-2026", LOCUS.format("01-MAY-1999")]
    )

    assert fix_genbank_date(text).splitlines() == [
        LOCUS.format("01-JAN-1980"),
        "DEFINITION  22-NOV-2026",
        LOCUS.format("01-JAN-1980"),
    ]


# As tbl2asn writes it.
ASN1 = """
          type
            str "NcbiCleanup" ,
          data {
            {
              label
                str "version" ,
              data
                int 8 } ,
            {
              label
                str "month" ,
              data
                int %d } ,
            {
              label
                str "day" ,
              data
                int %d } ,
            {
              label
                str "year" ,
              data
                int %d } } } ,
        create-date
          std {
            year %d ,
            month %d ,
            day %d } } ,
      length 2026 """


def test_dates_of_asn1_become_the_same_and_other_numbers_stay() -> None:
    fixed = fix_asn1_date(ASN1 % (11, 22, 2026, 2026, 11, 22))

    assert fixed == ASN1 % (1, 1, 1980, 1980, 1, 1)


@pytest.mark.parametrize(
    ("line", "fixed"),
    [
        ("[16:20:01] Running: prodigal", "[TIME] Running: prodigal"),
        ("started at Sun Nov 22 16:20:01 2026", "started at DATE"),
        ("started at Sun Nov  2 16:20:01 UTC 2026", "started at DATE"),
        ("2026-11-22 16:20:01.123 done", "DATE TIME done"),
        ("Walltime used: 1.85 minutes", "Walltime used: N minutes"),
        ("fastp v0.24.0, time used: 36 seconds", "fastp v0.24.0, time used: N seconds"),
        ("wrote /scratch/S1/annotation/x.gff", "wrote ./annotation/x.gff"),
        (r"cat x\.sprot\.tmp\.597\.faa", r"cat x\.sprot\.tmp\.PID\.faa"),
        ("Deleting x.sprot.tmp.597.blast", "Deleting x.sprot.tmp.PID.blast"),
        ("[16:20:01] Thank you, come again.", "[TIME] Share and enjoy!"),
        ("Found 2648 CDS in 80 contigs", "Found 2648 CDS in 80 contigs"),
    ],
)
def test_dates_times_durations_and_the_folder_leave_a_log(line: str, fixed: str) -> None:
    assert fix_log(line, Path("/scratch/S1")) == fixed


@pytest.mark.parametrize("words", ["prokka/x.", "Modify product: Probable "])
def test_lines_that_prokka_writes_in_any_order_are_sorted(words: str) -> None:
    log = "[00:00:01] Before\n{}[00:00:01] After\n"
    lines = [f"[00:00:01] {words}{end}\n" for end in ("b", "a", "c")]

    fixed = {fix_log(log.format("".join(order)), Path("/s")) for order in (lines, lines[::-1])}

    assert fixed == {fix_log(log.format("".join(sorted(lines))), Path("/s"))}
