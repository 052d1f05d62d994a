"""Other rule engines on the same conditions: ``python -m rule_engines ENGINE``, asked line by line over its pipes.

The first line is JSON with ``rules`` and ``events``; each line after it is a number of events to be decided. Answers
are JSON: the microseconds of CPU time for one event, and the numbers of the rules that each event fired.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

Rule = dict[str, Any]
Event = dict[str, Any]
Fire = Callable[[Event], list[int]]


def zen(rules: Sequence[Rule]) -> Fire:
    """zen-engine (Rust): all rules in one decision table, which is the fastest it has."""
    import zen  # noqa: PLC0415 - each engine is there only where it is asked for.

    fields = list(dict.fromkeys(test[0] for rule in rules for test in rule["tests"]))
    table = {
        "hitPolicy": "collect",
        "inputs": [{"id": field, "name": field, "field": field} for field in fields],
        "outputs": [{"id": "number", "name": "number", "field": "number"}],
        "rules": [
            {"_id": str(rule["number"]), "number": str(rule["number"])}
            | {field: _cell(rule["tests"], field) for field in fields}
            for rule in rules
        ],
    }
    nodes = [
        {"id": "in", "type": "inputNode", "name": "in", "position": {"x": 0, "y": 0}},
        {"id": "t", "type": "decisionTableNode", "name": "t", "position": {"x": 0, "y": 0}, "content": table},
        {"id": "out", "type": "outputNode", "name": "out", "position": {"x": 0, "y": 0}},
    ]
    edges = [{"id": a + b, "type": "edge", "sourceId": a, "targetId": b} for a, b in (("in", "t"), ("t", "out"))]
    decision = zen.ZenEngine().create_decision(json.dumps({"nodes": nodes, "edges": edges}))
    return lambda event: [int(row["number"]) for row in decision.evaluate(event)["result"]]


def _cell(tests: Sequence[tuple[str, str, Any]], field: str) -> str:
    """A table's cell: the tests of one field."""
    written = []
    for name, operator, value in tests:
        if name == field:
            texts = ", ".join(map(json.dumps, value)) if operator == "in" else json.dumps(value)
            written.append(texts if operator in {"in", "=="} else f"{operator} {texts}")
    return " and ".join(written)


def rust_cel(rules: Sequence[Rule]) -> Fire:
    """common-expression-language (Rust): one program a rule, one context an event."""
    import cel  # noqa: PLC0415

    programs = [(rule["number"], cel.compile(_cel(rule)).execute) for rule in rules]

    def fire(event: Event) -> list[int]:
        context = cel.Context(event)
        return [number for number, execute in programs if execute(context)]

    return fire


def cpp_cel(rules: Sequence[Rule]) -> Fire:
    """cel-expr-python (C++): one expression a rule, one activation an event."""
    from cel_expr_python import cel  # noqa: PLC0415

    groups = sorted({test[0].split(".")[0] for rule in rules for test in rule["tests"]})
    environment = cel.NewEnv(variables=dict.fromkeys(groups, cel.Type.Map(cel.Type.STRING, cel.Type.DYN)))
    programs = [(rule["number"], environment.compile(_cel(rule)).eval) for rule in rules]

    def fire(event: Event) -> list[int]:
        activation = environment.Activation(event)
        return [number for number, evaluate in programs if evaluate(activation).value()]

    return fire


def python_cel(rules: Sequence[Rule]) -> Fire:
    """cel-python: one program a rule, one activation an event."""
    import celpy  # noqa: PLC0415

    environment = celpy.Environment()
    programs = [(rule["number"], environment.program(environment.compile(_cel(rule)))) for rule in rules]

    def fire(event: Event) -> list[int]:
        activation = celpy.json_to_cel(event)
        return [number for number, program in programs if program.evaluate(activation)]

    return fire


def _cel(rule: Rule) -> str:
    return " && ".join(f"{field} {operator} {json.dumps(value)}" for field, operator, value in rule["tests"])


ENGINES = {
    "zen-engine": zen,
    "common-expression-language": rust_cel,
    "cel-expr-python": cpp_cel,
    "cel-python": python_cel,
}


def main(engine: str) -> None:
    """Answer until nobody asks any more."""
    given = json.loads(sys.stdin.readline())
    fire, events = ENGINES[engine](given["rules"]), given["events"]
    for line in sys.stdin:
        asked = [events[number % len(events)] for number in range(int(line))]
        start = time.process_time()
        fired = [fire(event) for event in asked]
        spent = (time.process_time() - start) / len(asked) * 1e6
        print(json.dumps({"us": spent, "fired": fired[: len(events)]}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
