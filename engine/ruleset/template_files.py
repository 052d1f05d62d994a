"""The template folder as it lies on disk: which file is what, its front matter, and what is wrong with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from babel import Locale, UnknownLocaleError

from ..language.problem import suggest
from . import template_codes as codes
from .diagnostics import Diagnostic
from .positions import Block, Scalar, Source
from .yaml import parse_yaml

LARGEST_SOURCE = 200_000
"""Bytes in one file."""

SHARED_FOLDERS = ("layouts", "partials")
HEADERS = ("subject", "preheader")

_FILE_NAME = re.compile(r"(?P<channel>[a-z][a-z0-9_]*)\.(?P<locale>[A-Za-z0-9_-]+)\.(?P<extension>html|txt)")
_STRINGS_NAME = re.compile(r"strings\.(?P<locale>[A-Za-z0-9_-]+)\.ya?ml")
_TEMPLATE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
_FRONT = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_RAW = re.compile(r"\{%[-+]?\s*raw\b")
_LONE_TAGS = re.compile(r"^[ \t]*((?:\{(?:%(?:(?!%\}).)*%|#(?:(?!#\}).)*#)\}[ \t]*)+)\n", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """A file's text as written, and as it is compiled."""

    source: Source
    body: str
    """The front matter is replaced by empty lines, so that line numbers are the file's."""
    headers: Mapping[str, Scalar] = field(default_factory=dict)
    front: Source | None = None
    """The front matter, which ``headers`` have their places in."""
    since: int = 0
    """Words are looked for from this offset on: of a rule file, one subject is a template."""

    @property
    def path(self) -> str:
        """As people should see it: ``templates/points-added/email.en.html``."""
        return self.source.file

    def finding(self, line: int, words: str, code: str, message: str, suggestion: str | None = None) -> Diagnostic:
        """A finding about the first place, from this line on, where these words stand."""
        text = self.source.text
        start = max(_line_start(text, line), self.since)
        # An operator may stand right beside a name or number.
        whole = rf"(?<!\w){re.escape(words)}(?!\w)" if words[:1].isalnum() else re.escape(words)
        found = re.compile(whole).search(text, start, _line_start(text, line + 10))
        if words and found:
            return self.source.finding(found.start(), found.end(), code, message, suggestion)
        return self.source.finding(start, start + 1, code, message, suggestion)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """What the folder holds."""

    messages: dict[tuple[str, str, str], dict[str, SourceFile]] = field(default_factory=dict)
    """By template, channel and locale: the file of each extension."""
    shared: dict[str, SourceFile] = field(default_factory=dict)
    """Layouts and partials, by the name templates refer to them by."""
    strings: dict[str, SourceFile] = field(default_factory=dict)
    """By locale."""
    problems: list[Diagnostic] = field(default_factory=list)


def locale_tag(text: str) -> str | None:
    """The locale as it is written everywhere in here, ``pl`` or ``pt-BR``; ``None`` when there is no such locale."""
    try:
        return str(Locale.parse(text.replace("_", "-"), sep="-")).replace("_", "-")
    except (ValueError, UnknownLocaleError):
        return None


@lru_cache(maxsize=256)
def fallbacks(locale: str) -> tuple[str, ...]:
    """A locale and the more general ones it falls back to; nothing for what is no locale."""
    tag = locale_tag(locale)
    parts = tag.split("-") if tag else []
    return tuple("-".join(parts[:length]) for length in range(len(parts), 0, -1))


def read_folder(root: Path) -> Folder:
    """Read everything under the folder; what cannot be read or placed is a problem."""
    return folder_of(read_contents(root), root.name)


def read_contents(root: Path) -> dict[str, bytes | OSError]:
    """What every file under the folder holds, by its path within, or why it cannot be read."""
    return {"/".join(path.relative_to(root).parts): _content(path) for path in _files(root)}


def folder_of(contents: Mapping[str, bytes | OSError], name: str) -> Folder:
    """The folder of this name that ``read_contents`` has read."""
    folder = Folder()
    for path, content in contents.items():
        parts = tuple(path.split("/"))
        source = _read(content, f"{name}/{path}", folder.problems)
        if source is not None:
            _place(folder, parts, source)
        elif key := _message_key(parts):
            folder.messages.setdefault(key, {})
    return folder


def sources_of(folder: Folder) -> dict[str, Source]:
    """Every file's text as it was written, by path."""
    messages = (file for files in folder.messages.values() for file in files.values())
    return {file.path: file.source for file in (*messages, *folder.shared.values())}


def _files(root: Path) -> Iterator[Path]:
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith((".", "__")) for part in path.relative_to(root).parts)
        if path.is_file() and not hidden and not path.name.endswith("~") and path.suffix != ".md":
            yield path


def _content(path: Path) -> bytes | OSError:
    try:
        return path.read_bytes()
    except OSError as error:
        return error


def _read(data: bytes | OSError, shown: str, problems: list[Diagnostic]) -> Source | None:
    if isinstance(data, OSError):
        problems.append(_unreadable(shown, f"cannot be read: {data.strerror}"))
        return None
    try:
        text = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError:
        problems.append(_unreadable(shown, "is not saved as UTF-8"))
        return None
    source = Source(shown, text)
    if len(data) > LARGEST_SOURCE:
        problems.append(source.finding(0, 1, codes.TOO_LARGE, f"larger than {LARGEST_SOURCE // 1000} kB"))
        return None
    if raw := _RAW.search(text):
        problems.append(source.finding(raw.start(), raw.end(), codes.NOT_AVAILABLE, "{% raw %} is not available"))
        return None
    return source


def _place(folder: Folder, parts: tuple[str, ...], source: Source) -> None:
    if len(parts) > 1 and parts[0] in SHARED_FOLDERS:
        folder.shared["/".join(parts)] = SourceFile(source=source, body=_prepared(source.text))
    elif match := _STRINGS_NAME.fullmatch("/".join(parts)):
        if tag := _known_locale(source, match["locale"], folder.problems):
            folder.strings[tag] = SourceFile(source=source, body=source.text)
    else:
        _place_message(folder, parts, source)


def _place_message(folder: Folder, parts: tuple[str, ...], source: Source) -> None:
    match = _FILE_NAME.fullmatch(parts[-1])
    if len(parts) != 2 or match is None or not _TEMPLATE_NAME.fullmatch(parts[0]):  # noqa: PLR2004 - folder and file
        message = "not a template: its name should be <template>/<channel>.<locale>.html or .txt"
        suggestion = "for example points-added/email.en.html"
        folder.problems.append(_whole(source, codes.PLACE, message, suggestion))
    elif tag := _known_locale(source, match["locale"], folder.problems):
        variants = folder.messages.setdefault((parts[0], match["channel"], tag), {})
        if twin := variants.get(match["extension"]):
            folder.problems.append(_whole(source, codes.PLACE, f"the same locale as {twin.path}"))
        variants[match["extension"]] = _with_headers(source, folder.problems)


def _message_key(parts: tuple[str, ...]) -> tuple[str, str, str] | None:
    """The message that a file which cannot be read belongs to: it is there, only not usable."""
    match = _FILE_NAME.fullmatch(parts[-1])
    tag = locale_tag(match["locale"]) if match and len(parts) == 2 else None  # noqa: PLR2004 - folder and file
    return (parts[0], match["channel"], tag) if match and tag and parts[0] not in SHARED_FOLDERS else None


def _known_locale(source: Source, locale: str, problems: list[Diagnostic]) -> str | None:
    tag = locale_tag(locale)
    if tag is None:
        problems.append(_whole(source, codes.PLACE, f'there is no locale "{locale}"', "for example en, pl or pt-BR"))
    return tag


def _unreadable(shown: str, message: str) -> Diagnostic:
    return Diagnostic(file=shown, line=1, column=1, code=codes.UNREADABLE, message=message)


def _whole(source: Source, code: str, message: str, suggestion: str | None = None) -> Diagnostic:
    return Diagnostic(file=source.file, line=1, column=1, code=code, message=message, suggestion=suggestion)


def _with_headers(source: Source, problems: list[Diagnostic]) -> SourceFile:
    match = _FRONT.match(source.text)
    if match is None:
        if source.text.startswith("---\n"):
            message = "the front matter is not closed"
            problems.append(source.finding(0, 3, codes.FRONT_MATTER, message, "end it with a line of ---"))
        return SourceFile(source=source, body=_prepared(source.text))
    front = Source(source.file, match[1], first_line=2)
    empty_lines = "\n" * source.text.count("\n", 0, match.end())
    return SourceFile(
        source=source,
        body=empty_lines + _prepared(source.text[match.end() :]),
        headers=dict(_headers(front, problems)),
        front=front,
    )


def _headers(front: Source, problems: list[Diagnostic]) -> Iterator[tuple[str, Scalar]]:
    document = parse_yaml(front)
    problems.extend(document.diagnostics)
    for key, value in document.root.entries if isinstance(document.root, Block) else ():
        if key.text not in HEADERS:
            message, fix = f'front matter has no "{key.text}"', suggest(key.text, HEADERS)
            problems.append(front.finding(key.start, key.end, codes.FRONT_MATTER, message, fix))
        elif isinstance(value, Scalar) and value.value is None and value.text:
            message, fix = f"{key.text}: {value.text} says nothing", f'write the words: {key.text}: "…"'
            problems.append(front.finding(value.start, value.end, codes.FRONT_MATTER, message, fix))
        elif isinstance(value, Scalar) and key.text == "subject" and not value.text.strip():
            message, fix = "the subject is empty", 'write it in quotes: subject: "…"'
            problems.append(front.finding(key.start, key.end, codes.NO_SUBJECT, message, fix))
        elif isinstance(value, Scalar):
            yield key.text, value
        elif not document.diagnostics:  # What is wrong with the YAML explains more than what it was taken for.
            message = f'"{key.text}" must be a text'
            problems.append(front.finding(value.start, value.end, codes.FRONT_MATTER, message))


def _prepared(body: str) -> str:
    """Lines that hold nothing but tags leave no empty line behind: the comment keeps the line count."""
    return _LONE_TAGS.sub(r"\1{#\n#}", body)


def _line_start(text: str, line: int) -> int:
    """The offset of a line, counted from 1; the end of the text when it has fewer."""
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
        if not start:
            return len(text)
    return start
