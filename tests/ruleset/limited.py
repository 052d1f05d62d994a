"""``python -m tests.ruleset.limited``: loads folders of rules and templates, each in a process that is kept short.

A line in is a folder; the line out is JSON: the codes of what is wrong there, ``held`` if a message of it was, or by
what the process was ended. What the limits are about begins after everything has been imported, so that neither the
speed of the disk nor that of a busy machine has a say: processor time is counted, not time.
"""

import json
import os
import resource
import signal
import sys
import traceback
from pathlib import Path

from engine.errors import RulesetInvalid, TemplateError
from engine.ruleset import load_ruleset
from tests.templates.samples import view

from .programme import PROGRAMME, SPELLINGS

SECONDS, BYTES = 2, 300 << 20
NAME, CHANNEL = "points-expire-soon-sms", "sms"


def answer(root):
    """What is wrong with a programme, or whether its text message can be worded."""
    try:
        ruleset = load_ruleset(root, programme=PROGRAMME, spellings=SPELLINGS.get)
    except RulesetInvalid as refused:
        return sorted({found.code for found in refused.diagnostics})
    try:
        ruleset.templates.choose(NAME, CHANNEL, "en").render(view())
    except TemplateError:
        return ["held"]
    return []


def within_limits(root):
    """The answer of a process that may use so much and no more."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        _child(root, writer)
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as said:
        words = said.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    ended = signal.Signals(-code).name if code < 0 else ""
    return json.loads(words) if words and not ended else {"ended": ended or f"exit code {code}"}


def _child(root, writer):
    used = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
    try:
        found = {"found": answer(root)}
    except BaseException:  # noqa: BLE001 - whatever it was, the test has to hear of it.
        found = {"ended": traceback.format_exc()[-2000:]}
    with os.fdopen(writer, "w", encoding="utf-8") as saying:
        json.dump(found, saying)
    os._exit(0)


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(within_limits(Path(line.rstrip("\n")))), flush=True)
