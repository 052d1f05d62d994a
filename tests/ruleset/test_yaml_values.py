"""What a YAML file means: text stays text, and nothing depends on how YAML 1.1 read it."""

import pytest

from engine.ruleset.positions import Source, plain
from engine.ruleset.yaml import MAX_BYTES, MAX_NODES, parse_yaml, read_yaml


def value(text):
    document = read_yaml(f"key: {text}\n".encode(), "a.yaml")
    assert document.diagnostics == ()
    return plain(document.root)["key"]


WORDS = """
on off yes no y n NO Yes On 22:00 1:30 09:00 010 0o17 0x1F 1_000 007.5 2026-01-31 2026-01-31T10:00:00Z
1,000 + . 1.2.3 .inf -.inf .nan = 1e e5 nUll tRUE it's a#b
"""


@pytest.mark.parametrize("text", [*WORDS.split(), "30 days", "not - a list"])
def test_plain_text_stays_as_written(text):
    assert value(text) == text


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("null", None),
        ("~", None),
        ("", None),
        ("0", 0),
        ("42", 42),
        ("-7", -7),
        ("+5", 5),
        ("0.5", 0.5),
        ("1.10", 1.1),
        ("-0.25", -0.25),
        ("1e3", 1000.0),
        ("2.5E-1", 0.25),
    ],
)
def test_numbers_and_words_of_yaml_1_2(text, meaning):
    assert value(text) == meaning
    assert type(value(text)) is type(meaning)


@pytest.mark.parametrize("text", ["true", "42", "null", "~", "1.5", "{{ x }}", "* 9 * * *", "a: b", "x #y"])
def test_quotes_make_anything_a_text(text):
    assert value(f"'{text}'") == text
    assert value(f'"{text}"') == text


def test_on_and_no_are_keys():
    document = read_yaml(b"on: a\nno: b\n'1': c\n\"<<\": d\n", "a.yaml")
    assert plain(document.root) == {"on": "a", "no": "b", "1": "c", "<<": "d"}


@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b"---\n", b"%YAML 1.2\n---\n", b"# a comment\n"])
def test_what_editors_put_at_the_start_is_no_mistake(start):
    document = read_yaml(start + b"a: b\n", "a.yaml")
    assert (plain(document.root), document.diagnostics) == ({"a": "b"}, ())


def test_a_byte_order_mark_does_not_shift_columns():
    found = read_yaml(b"\xef\xbb\xbfa: @b\n", "a.yaml").diagnostics
    assert [(each.line, each.column) for each in found] == [(1, 4)]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_count_alike_whatever_ends_them(end):
    document = parse_yaml(Source("a.yaml", end.join(["a: 1", "", "b: |", "  x", "  y", "a: 2", ""])))
    assert [(each.line, each.column) for each in document.diagnostics] == [(6, 1)]
    assert plain(document.root) == {"a": 1, "b": "x\ny\n"}


def test_a_file_above_the_limit_is_not_read():
    assert [each.code for each in read_yaml(b"#" * (MAX_BYTES + 1), "a.yaml").diagnostics] == ["PB104"]
    assert read_yaml(b"#" * MAX_BYTES, "a.yaml").diagnostics == ()


def test_a_file_with_too_many_values_is_not_read_to_its_end():
    found = read_yaml(b"- a\n" * (MAX_NODES + 1), "a.yaml").diagnostics
    assert [(each.line, each.column, each.code) for each in found] == [(MAX_NODES, 3, "PB104")]


def test_twenty_levels_are_allowed():
    deep = "[" * 20 + "]" * 20
    assert read_yaml(deep.encode(), "a.yaml").diagnostics == ()
    assert [each.code for each in read_yaml(f"[{deep}]".encode(), "a.yaml").diagnostics] == ["PB105"]


@pytest.mark.parametrize("text", ["# news about your own points", "  # two spaces", "#", "", " ## heading"])
def test_a_comment_is_no_lost_text(text):
    assert read_yaml(f"a: b {text}\n".encode(), "a.yaml").diagnostics == ()


def test_a_part_of_a_file_keeps_the_lines_of_the_file():
    document = parse_yaml(Source("mail.html", "subject: a: b\n", first_line=2))
    assert [(each.line, each.column) for each in document.diagnostics] == [(2, 11)]
