"""The pages about codes: every code has one, and the examples do what they say."""

import re
from pathlib import Path

import pytest

import engine
from engine.cli.code_pages import FAMILIES, all_pages, pages_of
from engine.errors import RulesetInvalid
from engine.ruleset import load_ruleset
from engine.tools.trying import try_templates
from tests.corpus import found_in_config
from tests.ruleset.programme import DEFINITIONS, PROGRAMME, SPELLINGS, write
from tests.ruleset.test_timeline_files import KNOWN
from tests.ruleset.test_timeline_files import read as read_test

IN_WORDS = re.compile(r"[A-Z][a-z]* .*[.]|rules/.*|templates/.*|chmod .*", re.DOTALL)
OF_RULES = [page for page in all_pages() if page.where in {"rules", "conditions"}]
OF_CONFIG = [page for page in all_pages() if page.where == "config"]
OF_TESTS = [page for page in all_pages() if page.where == "tests"]
OF_TEMPLATES = [page for page in all_pages() if page.where == "templates"]
BESIDE = {"rule": "rule: a", "on": "on: points_expired", "send": "send: points-expired"}
WORDS = {
    "templates/strings.en.yaml": "hello: Hello\n",
    "templates/partials/footer.txt": "Bye\n",
    "rules/shared.yaml": DEFINITIONS + "defaults: {category: loyalty}\n",
}


def rule(page, text):
    if page.where == "conditions":
        quoted = text if text.startswith(("{", '"')) else "'" + text.replace("'", "''") + "'"
        text = f"if: {quoted}"
    whole = text.startswith(("- ", "rules:", "# ", "rule: a\n"))
    missing = [line for key, line in BESIDE.items() if not whole and not re.search(rf"^{key}:", text, re.MULTILINE)]
    return "\n".join([*missing, text]) + "\n"


def codes_in(root, **files):
    write(root, {**WORDS, **files})
    try:
        ruleset = load_ruleset(root, programme=PROGRAMME, spellings=SPELLINGS.get)
        return {found.code for found in (*ruleset.warnings, *try_templates(ruleset).findings)}
    except RulesetInvalid as refused:
        return {found.code for found in refused.diagnostics}


def in_template(root, text):
    name = "templates/points-expire-soon-sms/sms.en.txt"
    rule = "rule: a\non: points_expired\nsend: {template: points-expire-soon-sms, channel: sms}\n"
    return codes_in(root, **{name: f"{text}\n", "rules/a.yaml": rule})


HEAD = {
    "members": "members: {anna: {email: anna@example.org}}\n",
    "cards": "cards: {empty: {balance: 0}}\n",
}
PARTS = {
    "rule": "  rule: points-expired\n",
    "member": "  member: anna\n",
    "timeline": "  timeline: [{at: 2026-01-01 09:00, event: points_expired}]\n",
    "expect": "  expect: [{at: 2026-01-01 09:00, send: points-expired}]\n",
}


def in_test(text):
    """A whole file of tests around an example: a part of a test, one of its steps or lines, or what stands above."""
    lines = text.splitlines()
    above = [line for line in lines if line.startswith(("members:", "cards:"))]
    own = [line for line in lines if line not in above]
    head = "".join(part for name, part in HEAD.items() if not any(line.startswith(name) for line in above))
    head += "".join(f"{line}\n" for line in above) + "tests:\n"
    parts, names = dict(PARTS), ["a"]
    if own and own[0].startswith("- test:"):
        names = [line.removeprefix("- test: ") for line in own]
    elif own and own[0].startswith("- {"):
        step = any(word in text for word in ("event:", "recorded:"))
        parts["timeline" if step else "expect"] = f"  {'timeline' if step else 'expect'}:\n" + "".join(
            f"    {line}\n" for line in own
        )
    else:
        parts |= {line.partition(":")[0]: f"  {line}\n" for line in own}
    return head + "".join(f"- test: {name}\n" + "".join(parts.values()) for name in names)


@pytest.mark.parametrize("page", OF_RULES, ids=lambda page: page.code)
def test_the_wrong_example_of_a_rule_has_the_code_and_the_right_one_has_none(page, tmp_path):
    if not IN_WORDS.fullmatch(page.wrong):
        assert page.code in codes_in(tmp_path / "wrong", **{"rules/a.yaml": rule(page, page.wrong)})
    if not IN_WORDS.fullmatch(page.right):
        assert codes_in(tmp_path / "right", **{"rules/a.yaml": rule(page, page.right)}) == set()


@pytest.mark.parametrize("page", OF_TEMPLATES, ids=lambda page: page.code)
def test_the_wrong_example_of_a_template_has_the_code_and_the_right_one_has_none(page, tmp_path):
    if not IN_WORDS.fullmatch(page.wrong) and "layouts/" not in page.wrong:
        assert page.code in in_template(tmp_path / "wrong", page.wrong)
        assert in_template(tmp_path / "right", page.right) == set()


@pytest.mark.parametrize("page", OF_CONFIG, ids=lambda page: page.code)
def test_the_wrong_example_of_config_yaml_has_the_code_and_the_right_one_has_none(page, tmp_path):
    if not IN_WORDS.fullmatch(page.wrong):
        assert page.code in {found.code for found in found_in_config({"text": page.wrong + "\n"}, tmp_path / "wrong")}
    if not IN_WORDS.fullmatch(page.right):
        assert not found_in_config({"text": page.right + "\n"}, tmp_path / "right")


@pytest.mark.parametrize("page", OF_TESTS, ids=lambda page: page.code)
def test_the_wrong_example_of_a_test_has_the_code_and_the_right_one_has_none(page):
    assert page.code in {found.code for found in read_test(in_test(page.wrong), KNOWN)[1]}
    assert read_test(in_test(page.right), KNOWN)[1] == []


def test_every_code_in_the_source_has_a_page():
    texts = [path.read_text(encoding="utf-8") for path in Path(engine.__file__).parent.rglob("*.py")]
    used = {code for text in texts for code in re.findall(r'"(PB\d{3})"', text)}
    assert used == {page.code for page in all_pages()}
    assert all(page.wrong and page.right for page in all_pages())


def test_a_page_says_what_it_means_and_how_to_mend_it():
    [page] = pages_of("PB204")
    assert page.as_text() == (
        "PB204 (conditions): No such field.\n\nWrong:\n    event.poins > 0\n\nRight:\n    event.points > 0"
    )


def test_a_warning_says_how_to_accept_it():
    [page] = pages_of("PB513")
    assert "# pointbell: ignore PB513 because" in page.as_text()
    assert "ignore" not in pages_of("PB204")[0].as_text()


def test_the_families_are_whole():
    assert len(all_pages()) == sum(map(len, FAMILIES.values()))


def test_a_code_is_explained_whatever_its_case(pointbell):
    assert pointbell("explain-code", "pb204") == pages_of("PB204")[0].as_text() + "\n"


def test_an_unknown_code_is_refused_with_the_nearest(pointbell):
    pointbell("explain-code", "PB2044", code=2)
    assert 'did you mean "PB204"?' in pointbell.said


def test_without_a_code_all_are_listed(pointbell):
    assert len(pointbell("explain-code").splitlines()) == len(all_pages())
