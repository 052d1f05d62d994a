"""The rule language: expressions and conditions over the facts, checked before they run.

An expression is at once valid Jinja and valid Python, so the same words mean the same in a rule and in a template.
Text is read (``parse``), typed against a ``Scope`` (``check``) and becomes closures over a ``View`` (``compile``).
"""

from .absent import Absent
from .condition import Condition, Verdict, compile_condition
from .declared import FieldTypes
from .expression import Expression, compile_expression
from .functions import JINJA_FILTERS, JINJA_FUNCTIONS, JINJA_TESTS
from .fused import Answer, Fused, fuse
from .node import Node
from .problem import CODES, EvaluationError, InvalidExpression, Problem, Severity
from .schema import EVENT_FIELDS, GROUP_DIRECTIONS, GROUPS, REMINDER_FIELDS, expand
from .scope import Missing, Path, Scope, path_text
from .views import View, build_view, expiring_points

__all__ = [
    "CODES",
    "EVENT_FIELDS",
    "GROUPS",
    "GROUP_DIRECTIONS",
    "JINJA_FILTERS",
    "JINJA_FUNCTIONS",
    "JINJA_TESTS",
    "REMINDER_FIELDS",
    "Absent",
    "Answer",
    "Condition",
    "EvaluationError",
    "Expression",
    "FieldTypes",
    "Fused",
    "InvalidExpression",
    "Missing",
    "Node",
    "Path",
    "Problem",
    "Scope",
    "Severity",
    "Verdict",
    "View",
    "build_view",
    "compile_condition",
    "compile_expression",
    "expand",
    "expiring_points",
    "fuse",
    "path_text",
]
