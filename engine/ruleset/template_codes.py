"""Every code a finding about templates can carry, with one line of explanation each. Codes are stable."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

PLACE = "PB401"
UNREADABLE = "PB402"
FRONT_MATTER = "PB403"
SYNTAX = "PB404"
NOT_AVAILABLE = "PB405"
REFERENCE = "PB406"
PLURAL = "PB407"
STRINGS = "PB408"
UNKNOWN_NAME = "PB409"
NO_SUBJECT = "PB410"
TOO_LARGE = "PB411"
MAY_BE_ABSENT = "PB412"
HOLE = "PB413"
BLOCK = "PB414"
WRONG_KIND = "PB415"
ARGUMENTS = "PB416"
FAILS_WHEN_TRIED = "PB417"

TEMPLATE_CODES: Mapping[str, str] = MappingProxyType(
    {
        PLACE: "A file lies where no template is looked for, or its name is not <channel>.<locale>.html or .txt.",
        UNREADABLE: "The file cannot be read, or is not saved as UTF-8.",
        FRONT_MATTER: "The lines between --- at the top of a template are wrong.",
        SYNTAX: "The template cannot be read: a tag is misspelt, left over or not closed.",
        NOT_AVAILABLE: "The template uses something that templates may not use.",
        REFERENCE: "A layout or partial is missing, of the wrong kind, or leads back to itself.",
        PLURAL: "A plural form that the language needs is missing.",
        STRINGS: "A shared phrase is missing, or not used as it is written.",
        UNKNOWN_NAME: "There is no fact or phrase of this name.",
        NO_SUBJECT: "An e-mail needs a subject in its front matter.",
        TOO_LARGE: "The file is larger than 200 kB, or takes too much to compile.",
        MAY_BE_ABSENT: "The value may be absent, and nothing says what to write then.",
        HOLE: "What stands in for an absent value is nothing, or a word such as None: the sentence has a hole.",
        BLOCK: "A template that extends a layout can say something only in blocks that the layout has.",
        WRONG_KIND: "A value is of a kind that cannot be printed, or that the filter or operator cannot take.",
        ARGUMENTS: "A filter or function is given too few or too many values, or a word it does not know.",
        FAILS_WHEN_TRIED: "For a member who was made up to try it, the message cannot be worded, or has a hole in it.",
    }
)
