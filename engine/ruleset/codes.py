"""Every code a finding of this package can carry, with one line of explanation each. Codes are stable.

Families: PB1xx how a file is written, PB2xx expressions, PB3xx references, PB4xx templates, PB5xx logic. The language
and the templates explain their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

SYNTAX = "PB101"
NOT_UTF8 = "PB102"
INVISIBLE = "PB103"
TOO_LARGE = "PB104"
TOO_DEEP = "PB105"
DUPLICATE_KEY = "PB106"
ALIAS = "PB107"
MERGE_KEY = "PB108"
TAG = "PB109"
MORE_DOCUMENTS = "PB110"
KEY_NOT_TEXT = "PB111"
TAB = "PB112"
UNQUOTED_TEMPLATE = "PB113"
UNQUOTED_COLON = "PB114"
LOST_TO_COMMENT = "PB115"
UNQUOTED_STAR = "PB116"
AFTER_QUOTE = "PB117"
SPACE_AFTER_COLON = "PB118"
NEVER_CLOSED = "PB119"
INDENTATION = "PB120"
RESERVED_START = "PB121"
ESCAPE = "PB122"
UNQUOTED_IN_BRACKETS = "PB123"
NUMBER_TOO_LARGE = "PB124"
EMPTY_FILE = "PB125"
UNREADABLE = "PB126"

UNKNOWN_KEY = "PB150"
MISSING_KEY = "PB151"
WRONG_TYPE = "PB152"
NOT_YET = "PB153"
BAD_VALUE = "PB154"
BAD_NAME = "PB155"
EMPTY = "PB156"

UNKNOWN_TEMPLATE = "PB301"
NO_TEMPLATE_FILE = "PB302"
UNKNOWN_CHANNEL = "PB303"
UNKNOWN_EVENT = "PB304"
UNKNOWN_DATE = "PB305"
UNKNOWN_AUDIENCE = "PB306"
UNKNOWN_CATEGORY = "PB307"
UNKNOWN_RULE = "PB308"
UNKNOWN_CAP = "PB309"

NAME_TWICE = "PB501"
SEND_TWICE = "PB502"
OFFSET_TWICE = "PB503"
EVENT_TWICE = "PB504"
NOT_READ = "PB505"
NO_RULES = "PB506"
LET_TWICE = "PB507"
WEIGHTS = "PB508"
NO_CATEGORY = "PB509"
VARIANT_TWICE = "PB510"
PERIOD_OVER = "PB511"
PART_ABSENT = "PB512"
NO_SUBJECT_IN = "PB513"
IGNORED_WITHOUT_REASON = "PB514"
NOTHING_IGNORED = "PB515"
NOTHING_TO_COLLECT = "PB516"
NEVER_OPEN = "PB517"
DUE_WHILE_CLOSED = "PB518"
NOT_LESS_IMPORTANT = "PB519"

CODES: Mapping[str, str] = MappingProxyType(
    {
        SYNTAX: "The file is not valid YAML.",
        NOT_UTF8: "The file is not saved as UTF-8.",
        INVISIBLE: "The file holds an invisible control character.",
        TOO_LARGE: "The file is larger than 1 MiB, or holds more than 100,000 keys and values.",
        TOO_DEEP: "Lists and mappings are nested more than 20 deep.",
        DUPLICATE_KEY: "A key stands twice in the same mapping; only one of the values could count.",
        ALIAS: "YAML anchors (&name) and aliases (*name) are not used in these files.",
        MERGE_KEY: "YAML merge keys (<<) are not used in these files.",
        TAG: "YAML tags (!name) are not used in these files.",
        MORE_DOCUMENTS: "A file holds one document; several rules stand in a list under rules.",
        KEY_NOT_TEXT: "A key is a word; numbers, yes/no words, lists and mappings cannot be keys.",
        TAB: "YAML indents with spaces; a tab stands where only spaces may.",
        UNQUOTED_TEMPLATE: "Text that starts with {{ or {% needs quotes, or YAML reads a mapping.",
        UNQUOTED_COLON: 'Unquoted text holds ": ", which YAML reads as another key.',
        LOST_TO_COMMENT: 'Unquoted text holds " #"; YAML drops everything after it as a comment.',
        UNQUOTED_STAR: "Text that starts with * or & needs quotes.",
        AFTER_QUOTE: "Text goes on after its closing quote; the whole value needs quotes.",
        SPACE_AFTER_COLON: "The space after a colon is missing.",
        NEVER_CLOSED: "A quote or bracket is opened and never closed.",
        INDENTATION: "A line is indented differently from those it belongs to.",
        RESERVED_START: "Unquoted text starts with a character that YAML reserves.",
        ESCAPE: 'Inside "..." a backslash starts an escape, and this one does not exist.',
        UNQUOTED_IN_BRACKETS: "Inside { } and [ ], text with a comma or bracket needs quotes.",
        NUMBER_TOO_LARGE: "A number is larger than any that can be counted with.",
        EMPTY_FILE: "The file holds nothing but white space and comments.",
        UNREADABLE: "The file or folder cannot be read.",
        UNKNOWN_KEY: "The rule language has no such key here.",
        MISSING_KEY: "A key that must be there is missing.",
        WRONG_TYPE: "The value is of the wrong kind.",
        NOT_YET: "The key belongs to the rule language but is not yet available in this version.",
        BAD_VALUE: "The value is of the right kind but cannot be used.",
        BAD_NAME: "A rule's name is made of small letters, digits, - and _, and starts with a letter or digit.",
        EMPTY: "A value is empty where something must stand.",
        UNKNOWN_TEMPLATE: "There is no template of this name.",
        NO_TEMPLATE_FILE: "The template has no file for the channel in the programme's own language.",
        UNKNOWN_CHANNEL: "There is no channel of this name in config.yaml.",
        UNKNOWN_EVENT: "No producer sends an event of this name.",
        UNKNOWN_DATE: "Reminders cannot run ahead of this field.",
        UNKNOWN_AUDIENCE: "There is no audience of this name in rules/shared.yaml.",
        UNKNOWN_CATEGORY: "There is no category of this name in rules/shared.yaml.",
        UNKNOWN_RULE: "There is no other rule of this name.",
        UNKNOWN_CAP: "There is no cap of this name in rules/shared.yaml.",
        NAME_TWICE: "Two rules have the same name.",
        SEND_TWICE: "A rule sends the same template over the same channel twice.",
        OFFSET_TWICE: "A reminder has the same offset twice.",
        EVENT_TWICE: "A rule lists an event it already listens to.",
        NOT_READ: "A file lies where rules are not looked for.",
        NO_RULES: "A list of rules is empty, or there is no rule at all.",
        LET_TWICE: "A name under let hides a fact, or another name.",
        WEIGHTS: "The weights of a rule's variants do not add up to 100.",
        NO_CATEGORY: "A rule names no category, and there is no default one.",
        VARIANT_TWICE: "Two variants of a rule have the same name.",
        PERIOD_OVER: "The days on which a rule holds are over, or never come.",
        PART_ABSENT: "A part of once_per may be absent: all members without it would share one message.",
        NO_SUBJECT_IN: "A variant has no subject in a language that its template has.",
        IGNORED_WITHOUT_REASON: "A comment that ignores a finding must name its code, and say why.",
        NOTHING_IGNORED: "A comment ignores a finding that is not there, or that is an error.",
        NOTHING_TO_COLLECT: "A reminder collects nothing: no event happens, a date comes near.",
        NEVER_OPEN: "A rule's window lies within its quiet hours: nothing could ever go.",
        DUE_WHILE_CLOSED: "A reminder is due at an hour at which nothing may go: it waits each time.",
        NOT_LESS_IMPORTANT: "A rule suppresses one that is as important as itself, or more.",
    }
)
