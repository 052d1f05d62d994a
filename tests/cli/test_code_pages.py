"""The pages about codes: every code has one, and the examples do what they say."""

import re
from pathlib import Path

import pytest

import engine
from engine.cli.code_pages import FAMILIES, all_pages, pages_of
from engine.errors import RulesetInvalid
from engine.ruleset import load_ruleset
from tests.ruleset.programme import DEFINITIONS, PROGRAMME, SPELLINGS, write

IN_WORDS = re.compile(r"[A-Z][a-z]* .*[.]|rules/.*|templates/.*|chmod .*", re.DOTALL)
OF_RULES = [page for page in all_pages() if page.where in {"rules", "conditions"}]
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
        return {found.code for found in load_ruleset(root, programme=PROGRAMME, spellings=SPELLINGS.get).warnings}
    except RulesetInvalid as refused:
        return {found.code for found in refused.diagnostics}


def in_template(root, text):
    name = "templates/points-expire-soon-sms/sms.en.txt"
    rule = "rule: a\non: points_expired\nsend: {template: points-expire-soon-sms, channel: sms}\n"
    return codes_in(root, **{name: f"{text}\n", "rules/a.yaml": rule})


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
