"""Options on a command line come out as they went in, whatever they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bactofleet.core.options import from_word, to_word

VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@given(VALUES | st.lists(VALUES))
def test_a_value_comes_back_with_its_type(value: object) -> None:
    assert from_word(to_word("option", value)) == ("option", value)


@pytest.mark.parametrize("text", ["true", "12", "null", "[]", "NaN", '"quoted"'])
def test_text_that_reads_like_json_stays_text(text: str) -> None:
    assert from_word(to_word("proteins", text)) == ("proteins", text)


def test_text_with_braces_is_no_pattern_of_snakemake() -> None:
    word = to_word("proteins", "{sample}.faa")

    assert not set("{}") & set(word)
    assert from_word(word) == ("proteins", "{sample}.faa")


@pytest.mark.parametrize("word", ["", "coverage", "=5"])
def test_a_word_that_is_no_option_is_refused(word: str) -> None:
    with pytest.raises(ValueError, match="options are name=value"):
        from_word(word)
