"""Options that users pass on to tools: those that change files or resources are refused."""

from pathlib import Path

import pytest

from bactofleet.core.config import check_config, load_schema
from bactofleet.core.errors import ConfigurationError
from bactofleet.core.tool_options import find_tool_option_fault

SCHEMA = load_schema(Path(__file__).parents[2] / "workflow/schemas/config.schema.yaml")


@pytest.mark.parametrize(
    ("tool", "text"),
    [
        ("fastp", "--cut_tail --length_required 50 --adapter_sequence AGATCGGAAGAG"),
        ("fastp", ""),
        ("skesa", "--kmer 31 --allow_snps --fraction 0.05"),
        ("spades", "-k 21,33,55 --cov-cutoff auto"),
        ("megahit", "--k-list 21,41 --no-mercy"),
        ("prokka", "--addgenes --mincontiglen 200"),
    ],
)
def test_options_that_concern_the_result_are_taken(tool: str, text: str) -> None:
    assert find_tool_option_fault(tool, text) == ""


@pytest.mark.parametrize(
    ("tool", "text", "fault"),
    [
        ("fastp", "--json /etc/passwd", "'--json' is no option of fastp that can be set"),
        ("fastp", "--thread 64", "'--thread' is no option"),
        ("fastp", "-i other.fq", "'-i' is no option"),
        ("fastp", "--cut_tail; rm -rf /", "'--cut_tail;' is no option"),
        ("fastp", "--cut_tail=1", "'--cut_tail=1' is no option"),
        ("fastp", "reads.fq", "'reads.fq' is no option"),
        ("fastp", "--length_required", "--length_required needs a value"),
        ("fastp", "--length_required --dedup", "--length_required needs a value"),
        ("fastp", "--adapter_sequence ../x", "--adapter_sequence needs a value"),
        ("fastp", "--adapter_sequence $(id)", "--adapter_sequence needs a value"),
        ("fastp", "--dedup --dedup", "--dedup is given twice"),
        ("fastp", "--trim_poly_g --disable_trim_poly_g", "contradict each other"),
        ("skesa", "--memory 500", "'--memory' is no option of skesa"),
        ("skesa", "--contigs_out x", "'--contigs_out' is no option"),
        ("spades", "-o elsewhere", "'-o' is no option of spades"),
        ("spades", "--restart-from last", "'--restart-from' is no option"),
        ("megahit", "--tmp-dir /", "'--tmp-dir' is no option"),
        ("megahit", "--k-list 21 --k-min 21", "contradict each other"),
        ("prokka", "--outdir /", "'--outdir' is no option of prokka"),
        ("prokka", "--gcode 4", "'--gcode' is no option"),
    ],
)
def test_a_hostile_or_contradictory_option_is_refused(tool: str, text: str, fault: str) -> None:
    assert fault in find_tool_option_fault(tool, text)


def test_options_are_those_of_the_assembler_that_is_chosen() -> None:
    check_config({"assembler": "megahit", "assembler_options": "--no-mercy"}, SCHEMA, "c")

    with pytest.raises(ConfigurationError, match="c: assembler_options: '--no-mercy' is no option"):
        check_config({"assembler_options": "--no-mercy"}, SCHEMA, "c")
