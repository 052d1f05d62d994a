"""Files made to hurt whoever reads them: an answer within two seconds of processor time and 300 MB, and nobody hurt."""

import json
import subprocess
import sys

import pytest

from .programme import write

RULE = "rule: a\non: points_expired\nsend: points-expired\n"
TO_SMS = "rule: a\non: points_expired\nsend: {template: points-expire-soon-sms, channel: sms}\n"
ALIASES = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)
RULES = {
    "a power of powers": (f"{RULE}if: event.points > 9**(9**9)\n", "PB203"),
    "a text so many times": (f"{RULE}if: member.id == 'a'*900000000\n", "PB208"),
    "aliases of aliases": (ALIASES, "PB107"),
    "50,000 brackets": (f"rule: a\non: {'[' * 50_000}{']' * 50_000}\nsend: points-expired\n", "PB105"),
    "50,000 brackets in a condition": (f"{RULE}if: {'(' * 50_000}event.points{')' * 50_000}\n", "PB213"),
    "50,000 nots": (f"{RULE}if: {'not ' * 50_000}event.points\n", "PB213"),
    "blocks in blocks": (f"{RULE}if: {'{any: [' * 40}event.points > 1{']}' * 40}\n", "PB105"),
    "a long comparison": (f"{RULE}if: event.points{' < 1' * 20_000}\n", "PB213"),
    "an exponent": (f"{RULE}if: event.points > 1e999999999\n", "PB203"),
    "a wide text": (f"{RULE}if: member.id.ljust(10**9) == 'a'\n", "PB203"),
    "a loop": (f"{RULE}if: '[x for x in range(100000000)]'\n", "PB203"),
    "a million keys": ("".join(f"k{number}: 1\n" for number in range(1_000_000)), "PB104"),
    "a long number": (f"{RULE}priority: {'9' * 900_000}\n", "PB124"),
    "a deep subject": (
        f"{RULE}variants: [{{name: a, weight: 100, subject: '{{{{ {'(' * 5_000}1{')' * 5_000} }}}}'}}]\n",
        "PB411",
    ),
}
TEMPLATES = {
    "a power of powers": ("{{ 9**(9**9) }}", "PB405"),
    "a text so many times": ("{{ 'a' * 900000000 }}", "PB405"),
    "a wide text": ("{{ 'a'.ljust(10**9) }}", "PB405"),
    "deep brackets": ("{{ " + "(" * 50_000 + "1" + ")" * 50_000 + " }}", "PB411"),
    "many tags": ("{{ card.balance }}" * 5_000, "PB411"),
}
HIDDEN = {
    "10^8 turns": "{% for i in range(100000000) %}x{% endfor %}",
    "loops in loops": "{% for i in range(1000) %}" * 3 + "x" + "{% endfor %}" * 3,
    "a text that doubles": "{% set s = 'aaaaaaaaaa' %}" + "{% set s = s ~ s %}" * 60 + "{{ s }}",
    "a number that is squared": "{% set s = 10 %}" + "{% set s = s * s %}" * 60 + "{{ s }}",
    "a list so many times": "{% set s = ['a'] %}{{ s * 1000000000 }}",
    "a macro that calls itself twice": "{% macro a(n) %}{{ a(n + 1) }}{{ a(n + 1) }}{% endmacro %}{{ a(0) }}",
}
LARGEST = " and ".join(["event.points > 1"] * 85)
"""Nearly as long as one expression may be."""


@pytest.fixture(scope="module")
def answers():
    """Loads folders, each within limits; one process imports everything for all of them."""
    command = [sys.executable, "-m", "tests.ruleset.limited"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def answer(root):
            process.stdin.write(f"{root}\n")
            process.stdin.flush()
            said = json.loads(process.stdout.readline())
            assert "ended" not in said, said["ended"]
            return said["found"]

        yield answer


@pytest.mark.parametrize("name", RULES)
def test_a_rule_file_hurts_nobody(name, tmp_path, answers):
    text, code = RULES[name]
    assert code in answers(write(tmp_path, {"rules/a.yaml": text}))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_hurts_nobody(name, tmp_path, answers):
    text, code = TEMPLATES[name]
    files = {"rules/a.yaml": TO_SMS, "templates/points-expire-soon-sms/sms.en.txt": text}
    assert code in answers(write(tmp_path, files))


@pytest.mark.parametrize("name", HIDDEN)
def test_a_template_that_shows_only_when_it_is_worded_hurts_nobody(name, tmp_path, answers):
    files = {"rules/a.yaml": TO_SMS, "templates/points-expire-soon-sms/sms.en.txt": HIDDEN[name]}
    assert answers(write(tmp_path, files))


def test_a_very_large_condition_is_read_in_time(tmp_path, answers):
    leaves = "".join(f"  - {LARGEST} and event.points != {number}\n" for number in range(40))
    assert answers(write(tmp_path, {"rules/a.yaml": f"{RULE}if:\n{leaves}"})) == []
