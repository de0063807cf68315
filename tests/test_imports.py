"""What is not imported: `--help`, `check`, `predict` and `report` do without the heavy libraries."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version

import pytest

import starshift

HEAVY = ("tensorflow", "keras", "jax", "torch", "sklearn", "pandas", "matplotlib", "cv2")

WATCHED = """
import sys
try:
    from starshift.cli.main import main
    sys.argv = ["starshift", *{arguments!r}]
    main()
except SystemExit as end:
    assert not end.code, end.code
print("IMPORTED", *sorted({{name.partition(".")[0] for name in sys.modules}}))
"""


def python(code: str, cwd=None) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=cwd, env=os.environ)
    assert done.returncode == 0, done.stderr
    return done.stdout


def imported_by(*arguments: object) -> set[str]:
    """The top-level modules that a whole process of `starshift ARGUMENTS` has imported in the end."""
    output = python(WATCHED.format(arguments=[str(argument) for argument in arguments]))
    return set(output.rpartition("IMPORTED ")[2].split())


def test_importing_the_package_imports_no_library_at_all():
    imported = set(python("import starshift, sys; print(*sys.modules)").split())
    assert not imported & {*HEAVY, "numpy", "msgspec", "PIL", "openvino", "typer", "rich", "scipy"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["fit", "--help"]])
def test_help_imports_neither_the_heavy_libraries_nor_numpy(arguments):
    assert not imported_by(*arguments) & {*HEAVY, "openvino", "numpy", "scipy", "PIL"}


def test_check_imports_no_heavy_library(tiny_pictures):
    assert not imported_by("check", tiny_pictures) & {*HEAVY, "openvino"}


def test_report_imports_no_heavy_library(finished_run):
    assert not imported_by("report", finished_run.path) & {*HEAVY, "openvino"}


def test_predict_with_a_converted_network_imports_openvino_and_no_keras(finished_run, finished_pictures):
    imported = imported_by("predict", finished_run.path, finished_pictures / "red")
    assert "openvino" in imported
    assert not imported & set(HEAVY)


def test_a_finished_fit_is_kept_without_keras(finished_run, finished_pictures):
    assert not imported_by("fit", finished_pictures, "--rungs", "convnet", "--out", finished_run.path) & set(HEAVY)


def test_python_m_starshift_is_the_same_as_starshift():
    done = subprocess.run([sys.executable, "-m", "starshift", "--version"], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"starshift {starshift.__version__}\n")


def test_the_version_is_that_of_the_installed_package():
    assert starshift.__version__ == version("starshift")


def test_public_names_load_on_first_use_and_unknown_ones_do_not():
    for name in starshift.__all__:
        assert getattr(starshift, name)
    assert dir(starshift) == starshift.__all__
    with pytest.raises(AttributeError, match="has no attribute 'fitt'"):
        starshift.fitt  # noqa: B018
