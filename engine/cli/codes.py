"""``explain-code``: what a code means, and how the mistake is mended."""

from __future__ import annotations

from typing import Annotated

import typer

from ..language.problem import suggest
from .code_pages import all_pages, pages_of
from .shell import CANNOT_RUN, say_error, show


def explain_code(
    code: Annotated[str, typer.Argument(metavar="[CODE]", help="Such as PB204; without it, all are listed.")] = "",
) -> None:
    """Explain a code: what it means, a wrong and a right example, and how to accept it where it is a warning."""
    if not code:
        for page in all_pages():
            show(f"{page.code}  {page.meaning}")
        return
    pages = pages_of(code.strip().upper())
    if not pages:
        say_error(f"there is no code {code}; {suggest(code.upper(), {page.code for page in all_pages()})}")
        raise typer.Exit(CANNOT_RUN)
    show("\n\n".join(page.as_text() for page in pages))
