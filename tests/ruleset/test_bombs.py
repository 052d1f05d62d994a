"""Files made to hurt whoever reads them: ``check`` answers with a finding, in little time and memory.

In a process of its own that the system would end, so that the test says nothing about how busy the machine is.
"""

import subprocess
import sys

import pytest

from .programme import write

SECONDS, BYTES = 2, 300 << 20
CHILD = """
import resource, sys
from pathlib import Path
from engine.errors import RulesetInvalid
from engine.ruleset import load_ruleset
from tests.ruleset.programme import PROGRAMME, SPELLINGS
def pages():
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
used = resource.getrusage(resource.RUSAGE_SELF)
spent = used.ru_utime + used.ru_stime
resource.setrlimit(resource.RLIMIT_AS, (pages() + {bytes},) * 2)
resource.setrlimit(resource.RLIMIT_CPU, (int(spent) + 1 + {seconds},) * 2)
try:
    load_ruleset(Path(sys.argv[1]), programme=PROGRAMME, spellings=SPELLINGS.get)
except RulesetInvalid as refused:
    print(*sorted({{found.code for found in refused.diagnostics}}))
"""
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


def codes_in(root):
    child = CHILD.format(seconds=SECONDS, bytes=BYTES)
    made = subprocess.run([sys.executable, "-c", child, str(root)], capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr[-2000:]
    return set(made.stdout.split())


@pytest.mark.parametrize("name", RULES)
def test_a_rule_file_hurts_nobody(name, tmp_path):
    text, code = RULES[name]
    assert code in codes_in(write(tmp_path, {"rules/a.yaml": text}))


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_hurts_nobody(name, tmp_path):
    text, code = TEMPLATES[name]
    files = {"rules/a.yaml": TO_SMS, "templates/points-expire-soon-sms/sms.en.txt": text}
    assert code in codes_in(write(tmp_path, files))
