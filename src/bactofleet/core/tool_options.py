"""The user's own options of tools: only those that change neither files nor resources.

What a tool reads and writes, how many cores and how much memory it takes, and what options of the
configuration already say, is ours. Names are those of the tools' long options in the image.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

# Options without and with a value.
FASTP = (
    (
        *("--cut_front", "--cut_tail", "--cut_right", "--correction", "--dedup", "--trim_poly_g"),
        *("--disable_trim_poly_g", "--trim_poly_x", "--low_complexity_filter"),
        *(
            "--disable_adapter_trimming",
            "--disable_quality_filtering",
            "--disable_length_filtering",
        ),
    ),
    (
        *("--cut_window_size", "--cut_mean_quality", "--cut_front_window_size"),
        *("--cut_front_mean_quality", "--cut_tail_window_size", "--cut_tail_mean_quality"),
        *("--cut_right_window_size", "--cut_right_mean_quality", "--trim_front1", "--trim_tail1"),
        *("--trim_front2", "--trim_tail2", "--max_len1", "--max_len2", "--poly_g_min_len"),
        *("--poly_x_min_len", "--qualified_quality_phred", "--unqualified_percent_limit"),
        *("--n_base_limit", "--average_qual", "--length_required", "--length_limit"),
        *("--complexity_threshold", "--overlap_len_require", "--overlap_diff_limit"),
        *("--overlap_diff_percent_limit", "--adapter_sequence", "--adapter_sequence_r2"),
    ),
)
SKESA = (
    ("--allow_snps", "--force_single_ends"),
    (
        *("--kmer", "--max_kmer", "--min_count", "--max_kmer_count", "--steps", "--fraction"),
        "--max_snp_len",
    ),
)
SPADES = ("--disable-rr",), ("-k", "--cov-cutoff")
MEGAHIT = (
    ("--no-mercy", "--no-local", "--kmin-1pass"),
    (
        *("--min-count", "--k-list", "--k-min", "--k-max", "--k-step", "--bubble-level"),
        *("--prune-level", "--prune-depth", "--disconnect-ratio", "--low-local-ratio"),
        *("--max-tip-len", "--cleaning-rounds"),
    ),
)
PROKKA = (
    (
        *("--addgenes", "--addmrna", "--metagenome", "--rawproduct", "--cdsrnaolap", "--fast"),
        *("--noanno", "--norrna", "--notrna"),
    ),
    ("--mincontiglen", "--increment"),
)
TOOLS = {"fastp": FASTP, "skesa": SKESA, "spades": SPADES, "megahit": MEGAHIT, "prokka": PROKKA}
CONTRADICTIONS = (
    {"--trim_poly_g", "--disable_trim_poly_g"},
    {"--poly_g_min_len", "--disable_trim_poly_g"},
    {"--adapter_sequence", "--disable_adapter_trimming"},
    {"--adapter_sequence_r2", "--disable_adapter_trimming"},
    {"--length_required", "--disable_length_filtering"},
    {"--length_limit", "--disable_length_filtering"},
    {"--qualified_quality_phred", "--disable_quality_filtering"},
    {"--unqualified_percent_limit", "--disable_quality_filtering"},
    {"--n_base_limit", "--disable_quality_filtering"},
    {"--average_qual", "--disable_quality_filtering"},
    {"--k-list", "--k-min"},
    {"--k-list", "--k-max"},
    {"--k-list", "--k-step"},
    {"--addgenes", "--noanno"},
    {"--fast", "--noanno"},
)
# Numbers, lists of them, and words: no path and no option.
VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.,]*")


OPTIONS = ("fastp_options", "assembler_options", "prokka_options")


def tool_of(option: str, config: Mapping[str, object]) -> str:
    """Return the tool that an option such as `fastp_options` is about."""
    return (
        str(config["assembler"])
        if option == "assembler_options"
        else option.split("_", maxsplit=1)[0]
    )


def find_tool_option_fault(tool: str, text: str) -> str:
    """Describe what is wrong with options of a tool; "" if nothing is."""
    flags, with_value = TOOLS[tool]
    words, given = text.split(), []
    while words:
        name = words.pop(0)
        if name not in flags and name not in with_value:
            return f"{name!r} is no option of {tool} that can be set; those are " + ", ".join(
                sorted((*flags, *with_value))
            )
        if name in given:
            return f"{name} is given twice"
        if name in with_value and not (words and VALUE.fullmatch(words.pop(0))):
            return f"{name} needs a value: a number or a word"
        given.append(name)
    both = next((one for one in CONTRADICTIONS if one <= set(given)), None)
    return f"{' and '.join(sorted(both))} contradict each other" if both else ""
