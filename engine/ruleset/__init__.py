"""Rules and templates on disk -> one checked ruleset, or what is wrong with them, where, and the likely fix."""

from .diagnostics import Diagnostic, format_text, to_json
from .load import Ruleset, Sources, compile_ruleset, load_ruleset

__all__ = ["Diagnostic", "Ruleset", "Sources", "compile_ruleset", "format_text", "load_ruleset", "to_json"]
