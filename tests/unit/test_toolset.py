"""A tool is declared once; what cannot be derived from that says the same."""

import re
from pathlib import Path

import pytest

from bactofleet.core.toolset import load_tools, needed_programs, without_ending

REPOSITORY = Path(__file__).parents[2]
TOOLS = load_tools().values()
OFF = {"assembler": "skesa", "polish": False, "phix": False, "providers": []}


def needed(**options: object) -> set[str]:
    return needed_programs(OFF | options) - needed_programs(OFF)


@pytest.mark.parametrize(
    ("options", "programs"),
    [
        ({}, set()),
        ({"phix": True}, {"bbduk.sh"}),
        ({"error_correction": True}, {"lighter"}),
        ({"simulate_reads": True}, {"art_illumina"}),
        ({"resistance": True}, {"blastn"}),
        ({"long_reads": True}, {"flye", "minimap2"}),
        ({"polish": True}, {"bwa", "java", "pilon", "samtools"}),
        ({"assembler": "spades"}, {"spades.py"}),
        ({"providers": ["ena"]}, set()),
        ({"providers": ["ena", "sra-odp"]}, {"fasterq-dump"}),
        ({"providers": ["sra"]}, {"fasterq-dump", "prefetch"}),
    ],
)
def test_options_need_programs(options: dict[str, object], programs: set[str]) -> None:
    assert needed(**options) == programs


def test_every_run_needs_these() -> None:
    assert needed_programs(OFF) - {"skesa"} == {
        *("faketime", "fastp", "kmc", "kmc_tools", "makeblastdb", "pigz", "prokka", "seqtk")
    }


def test_programs_are_reported_by_the_names_of_their_tools() -> None:
    assert [without_ending(name) for name in ("spades.py", "bbduk.sh", "fasterq-dump")] == [
        *("spades", "bbduk", "fasterq-dump")
    ]


def test_the_image_installs_the_packages_of_the_tools_and_says_why() -> None:
    text = (REPOSITORY / "containers/packages.txt").read_text()
    lines = re.findall(r"^([a-z].*?) +# (.*)$", text, re.MULTILINE)

    assert dict(lines) == {tool.package: tool.why for tool in TOOLS if tool.package}


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)
def test_the_rules_of_its_stages_and_the_manual_name_a_tool(tool) -> None:
    manual = (REPOSITORY / "docs/workflow.md").read_text()
    for stage in tool.stages:
        rule = (REPOSITORY / f"workflow/rules/{stage}.smk").read_text()
        comment = "\n".join(re.findall(r"^# .*", rule, re.MULTILINE))
        row = re.search(rf"^\| {stage} \|.*", manual, re.MULTILINE)

        assert tool.title in comment, f"workflow/rules/{stage}.smk"
        assert row and tool.title in row[0], f"docs/workflow.md, {stage}"


def test_a_stage_that_records_a_tool_is_one_of_the_tools_own() -> None:
    for tool in TOOLS:
        for path in (REPOSITORY / "src/bactofleet/genome").glob("*.py"):
            used = re.findall(r"stage\.use\((.*)\)", path.read_text())
            if any(f'"{tool.name}"' in call for call in used):
                assert path.stem in tool.stages, tool.name
