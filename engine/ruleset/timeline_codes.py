"""Every code a finding about tests can carry, with one line of explanation each. Codes are stable."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

UNKNOWN_RULE = "PB631"
UNKNOWN_MEMBER = "PB632"
UNKNOWN_CARD = "PB633"
UNKNOWN_FACT = "PB634"
BAD_MOMENT = "PB635"
UNKNOWN_REASON = "PB636"
NO_RECORDING = "PB637"
TEST_TWICE = "PB638"
NO_OUTCOME = "PB639"
BACKWARDS = "PB640"
BAD_FACT = "PB641"
NEVER_COMES = "PB642"

TIMELINE_CODES: Mapping[str, str] = MappingProxyType(
    {
        UNKNOWN_RULE: "A test names a rule that does not exist.",
        UNKNOWN_MEMBER: "A test names a member that is not under members.",
        UNKNOWN_CARD: "A step names a card that is not under cards.",
        UNKNOWN_FACT: "A member, a card or an event has no such field.",
        BAD_MOMENT: "Not a time, or a time without its day.",
        UNKNOWN_REASON: "There is no such reason for not sending.",
        NO_RECORDING: "The file of a recorded event cannot be read.",
        TEST_TWICE: "Two tests in a file have the same name.",
        NO_OUTCOME: "A line under expect says exactly one of send, skip, move and cancel.",
        BACKWARDS: "Time does not run backwards: steps stand in their order, and until comes after them.",
        BAD_FACT: "A value that the field cannot have.",
        NEVER_COMES: "None of the tested rules can ever lead to this.",
    }
)
