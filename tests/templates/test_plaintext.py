"""Text made from HTML, and text made plain."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.ruleset.plaintext import one_line, plain_text, text_of


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("<p>One<br>two<br><br>three</p>", "One\ntwo\n\nthree"),
        ("<h1>Big</h1>\n\n  <p>small  print</p>", "Big\n\nsmall print"),
        ('<a href="https://x.example/?a=1&amp;b=2">See</a> it', "See: https://x.example/?a=1&b=2 it"),
        ('<a href="https://x.example">https://x.example</a>', "https://x.example"),
        ('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
        ('<a href="#top">Up</a>', "Up"),
        ('<a href="https://x.example"><img src="y" alt=""></a>', "https://x.example"),
        ('<img src="l.png" alt="Fern"> Club', "Fern Club"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b"),
        (
            "<table><tr><td><table><tr><td>cell</td></tr></table></td><td>next</td></tr></table>",
            "cell\n\nnext",
        ),
        ("<table>\n<tr>\n<td>a</td>\n<td>b</td>\n</tr>\n</table>", "a\nb"),
        ('<div style="display:none">hidden <div>deep</div> still</div>shown', "shown"),
        ("<div hidden><p>unclosed</div>shown", "shown"),
        ("<style>p{}</style><script>x()</script><title>t</title>shown", "shown"),
        ("<!--[if mso]><table><tr><td><![endif]-->shown<!--[if mso]></td></tr></table><![endif]-->", "shown"),
        ("a &lt;b&gt; &amp; c&nbsp;d", "a <b> & c d"),
        ("one<hr>two", "one\n\ntwo"),
        ("<b>bold</b> <i>and</i> <b>more</b>", "bold and more"),
    ],
)
def test_what_a_reader_without_html_sees(html, text):
    assert text_of(html) == text


def test_plain_text_has_plain_spaces_and_single_empty_lines():
    assert plain_text("a\u00a0b\u202fc  \r\n\r\n\r\n\n d\x00\x1b\ud800 \n") == "a b c\n\n d"


def test_one_line_folds_and_cuts_after_a_word():
    assert one_line(" a\r\nBcc: x\t y ", 50) == "a Bcc: x y"
    assert one_line("word " * 60, 30) == "word word word word word word…"
    assert one_line("w" * 60, 30) == "w" * 29 + "…"
    assert len(one_line("ab " * 90, 100)) <= 100


@given(text=st.text(alphabet="ab \t\n\r\x00\x85\xa0\u202f\u2007\ud800ł", max_size=20))
@example(text="a\t\nb")
@example(text="a \nb")
@example(text="a\n\n\n\nb")
def test_plain_is_plain_however_it_was_written(text):
    spaced = re.sub("[\xa0\u202f\u2007]", " ", text)
    printable = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", "", spaced)
    lines = re.sub(r"[ \t]*\r?\n|\r", "\n", printable)
    assert plain_text(text) == re.sub(r"\n{3,}", "\n\n", lines).strip()


@given(text=st.text(alphabet="ab \t\n\r\x00\x1c\x85\xa0\u2028\u3000\ud800\u200b", max_size=20))
def test_one_line_is_one_line_however_it_was_written(text):
    folded = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]", "", re.sub(r"\s+", " ", text))
    assert one_line(text, 100) == folded.strip()
