"""Every piece that keeps a promise is guarded by a test that fails without it."""

import pytest

from .mutations import MUTATIONS, ROOT, WHOLE, caught


@pytest.mark.prove
def test_the_guards_are_content_with_the_tree_as_it_is():
    assert not caught(WHOLE)


@pytest.mark.prove
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_test_notices(mutation):
    assert caught(mutation)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_what_would_be_taken_away_is_there(mutation):
    for file, stood, _ in mutation.edits:
        assert (ROOT / file).read_text(encoding="utf-8").count(stood) == 1, file
    assert all((ROOT / test).exists() for test in mutation.tests)
