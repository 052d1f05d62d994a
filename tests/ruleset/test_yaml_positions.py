"""Every character of a text is found again in the file, however the text is written."""

import re

import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from engine.ruleset.positions import Source, character_offsets, descend, span
from engine.ruleset.yaml import parse_yaml, read_yaml

ESCAPE = re.compile(r"\\(?:x..|u....|U........|.)", re.DOTALL)
STYLES = st.sampled_from([None, "'", '"', "|", ">"])
TEXTS = st.text(st.sampled_from("ab Łż😀\n'\"\\:#{}[],-|>%@!&*?\t0."), max_size=60)


def stands_for(text, offset, style):
    """The character of the value that the file holds at this offset."""
    if style == '"' and text[offset] == "\\":
        return yaml.safe_load(f'"{ESCAPE.match(text, offset).group()}"')
    return text[offset]


@example(text="a\n  b", style="|", width=40, indent=4)
@example(text="  a\n b", style="|", width=40, indent=3)
@example(text="a\n\n  b\nc\n\n\nd", style=">", width=40, indent=2)
@given(text=TEXTS, style=STYLES, width=st.integers(10, 70), indent=st.integers(2, 6))
def test_each_character_comes_from_one_place_in_the_file(text, style, width, indent):
    data = {"before": "Łódź 😀", "list": [{"key": text, "after": "end"}]}
    written = yaml.dump(data, default_style=style, width=width, indent=indent, allow_unicode=True, sort_keys=False)
    source = Source("a.yaml", written)
    scalar = descend(parse_yaml(source).root, ["list", 0, "key"])
    offsets = character_offsets(source, scalar)
    assert scalar.text == text
    assert len(offsets) == len(text)
    assert offsets == sorted(set(offsets))
    for char, offset in zip(text, offsets, strict=True):
        assert scalar.start <= offset < scalar.end
        found = stands_for(written, offset, scalar.style)
        assert found == char or (char == " " and found == "\n")
    if scalar.style in ("|", ">"):
        follows = [here for here, before in zip(offsets[1:], offsets, strict=False) if written[before] != "\n"]
        assert all(here - 1 in offsets for here in follows)


def place(text, path, word):
    """Line and column where the word of a value stands, and what is underlined there."""
    source = Source("a.yaml", text)
    scalar = descend(parse_yaml(source).root, path)
    start, end = span(source, scalar, scalar.text.index(word), len(word))
    return (*source.place(start), text[start:end])


def test_plain_text():
    assert place("if: card.balance > 0\n", ["if"], "balance") == (1, 10, "balance")


def test_plain_text_over_several_lines():
    assert place("if: Łucja\n\n    or card\n", ["if"], "card") == (3, 8, "card")


def test_single_quotes_with_a_quote_in_it():
    assert place("- 'it''s Ł card'\n", [0], "card") == (1, 12, "card")


def test_double_quotes_with_escapes():
    assert place('- "\\u0141\\t\\x41 \\"card\\""\n', [0], "card") == (1, 19, "card")


def test_double_quotes_with_an_escaped_line_end():
    assert place('- "one \\\n\n   \\  card"\n', [0], "card") == (3, 7, "card")


def test_a_literal_block():
    assert place("a:\n  - |2-\n      😀 x\n\n    card\n", ["a", 0], "card") == (5, 5, "card")


def test_a_folded_block_with_an_indented_part():
    assert place("a: >+\n\n   one\n   two\n\n     three\n   card\n", ["a"], "card") == (7, 4, "card")


def test_a_block_in_a_file_with_windows_line_ends():
    assert place("a: |\r\n  one\r\n  card\r\n", ["a"], "card") == (3, 3, "card")


def test_a_mark_at_the_very_end_of_a_text():
    source = Source("a.yaml", "if: a >\n")
    scalar = descend(parse_yaml(source).root, ["if"])
    assert source.place(span(source, scalar, 3, 1)[0]) == (1, 8)


def test_an_empty_text_is_its_own_place():
    source = Source("a.yaml", 'if: ""\n')
    scalar = descend(parse_yaml(source).root, ["if"])
    assert span(source, scalar, 0, 1) == (4, 6)


@given(st.text(st.sampled_from("ab:- \n\t'\"[]{},#&*!|>%@?\\0\r\ufeff\u2028😀~"), max_size=40))
def test_whatever_is_in_a_file_the_reader_answers_with_places_in_it(text):
    document = read_yaml(text.encode(), "a.yaml")
    lines = re.split("\r\n|\n|\r", text.removeprefix("\ufeff"))
    for found in document.diagnostics:
        assert found.column - 1 <= len(lines[found.line - 1])
        assert found.length >= 1


@given(st.binary(max_size=40))
def test_any_bytes_are_read_or_refused(data):
    document = read_yaml(data, "a.yaml")
    assert document.root is None or all(each.file == "a.yaml" for each in document.diagnostics)
