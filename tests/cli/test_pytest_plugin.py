"""pytest collects a programme's timelines, one item per test, and leaves everything else alone."""

import os
import subprocess
import sys

import pytest

from .test_timelines import FAILING


@pytest.fixture
def run_pytest(pointbell, root):
    """pytest in the programme's folder, with the plug-in and no other."""

    def run(*words):
        environ = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(root), "COLUMNS": "120"}
        command = [sys.executable, "-m", "pytest", "-p", "engine.pytest_plugin", "-p", "no:cacheprovider", *words]
        done = subprocess.run(  # noqa: PLW1510 - the caller looks at the code
            command, cwd=pointbell.folder, env={**os.environ, **environ}, capture_output=True, text=True
        )
        return done.returncode, done.stdout

    return run


def test_one_item_for_each_test_and_the_comparison_where_one_fails(pointbell, run_pytest):
    pointbell.write("tests/timelines/points.yaml", FAILING)
    pointbell.write("other.yaml", "tests: [never read]\n")
    pointbell.write("rules/never.yaml", "")
    code, told = run_pytest("-q")
    assert code == 1, told
    assert "1 failed, 1 passed" in told
    assert "tests/timelines/points.yaml:2: fifty points are not enough\n  + 2026-02-01 00:05  send" in told
    assert "Traceback" not in told
    assert run_pytest("-q", "-k", "forty")[0] == 0


def test_what_cannot_be_read_is_an_error_with_its_place(pointbell, run_pytest):
    pointbell.write("tests/timelines/points.yaml", FAILING.replace("points-expired", "points-expird", 1))
    code, told = run_pytest("-q")
    assert code == 2, told
    assert "tests/timelines/points.yaml:3:11: error[PB631]" in told


def test_other_folders_of_timelines_are_left_alone(pointbell, run_pytest):
    (pointbell.folder / "config.yaml").unlink()
    assert run_pytest("-q")[0] == 5
