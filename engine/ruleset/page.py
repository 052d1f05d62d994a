"""One HTML page: how it is sent, and what it says."""

from __future__ import annotations

from typing import NamedTuple

import css_inline

from .plaintext import text_of, without_controls

# Media queries must survive (mobile, dark mode), and a mail must never make us fetch something.
_INLINER = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)


class Page(NamedTuple):
    """Both are empty if nothing is on it."""

    html: str
    """With the styles written into the tags: many mail programs heed no others."""
    text: str
    """As a reader without HTML should see it."""


def cleaned(rendered: str) -> str:
    """A rendered page without white space around it, and without what no mail can carry."""
    return without_controls(rendered).strip()


def inlined(source: str) -> str:
    """A page with its styles written into the tags."""
    return _INLINER.inline(source) if source else ""


def whole_page(rendered: str) -> Page:
    """The page as a whole, with nothing prepared."""
    source = cleaned(rendered)
    return Page(html=inlined(source), text=text_of(source))
