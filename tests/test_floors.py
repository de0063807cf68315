"""DESIGN's table of floors, held against every import of every module, deferred ones too."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import starshift

SOURCE = Path(starshift.__file__).parent

FLOORS = {
    # 0: a small vocabulary and plain values, each a module or package of its own
    **dict.fromkeys(
        ["errors", "records", "augmentation", "recipe", "catalogue", "seeds", "execution", "progress", "apportion"],
        0,
    ),
    **dict.fromkeys(["data", "models", "evaluation"], 1),
    **dict.fromkeys(["inference", "training"], 2),
    **dict.fromkeys(["findings", "compose"], 3),
    "learnware": 4,
    "ladder": 5,
    "report": 6,
    "api": 7,
    **dict.fromkeys(["estimators", "serve"], 8),
    "cli": 9,
    "__main__": 10,
}

KERAS_ALLOWED = (
    "models",
    "training",
    "compose.distill",
    "compose.export",
    "compose.whole",
    "learnware.package",
    "learnware.reuse",
)
NEEDS_KERAS = {"keras", "tensorflow", "jax", "torch", "keras_hub"}
HEAVY = {*NEEDS_KERAS, "openvino", "sklearn", "scipy", "pandas", "PIL", "matplotlib", "cv2"}


def name_of(file: Path) -> str:
    """The module's name below starshift: "data.read"; "" for the root package."""
    parts = file.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(file): file for file in sorted(SOURCE.rglob("*.py"))}


def imports(module: str) -> Iterator[tuple[str, str, bool]]:
    """(imported module, imported name or "", whether only types need it) of a module's every import."""
    tree = ast.parse(MODULES[module].read_text(encoding="utf-8"))
    for_types = {
        child
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for child in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, "", node in for_types) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} imports relatively; write the whole name"
            yield from ((node.module or "", alias.name, node in for_types) for alias in node.names)


def own_imports(module: str) -> Iterator[str]:
    """The modules of Starshift that a module imports, as in MODULES."""
    for imported, name, _ in imports(module):
        if imported.partition(".")[0] == "starshift":
            inner = imported.removeprefix("starshift").lstrip(".")
            whole = f"{inner}.{name}".lstrip(".")
            yield whole if whole in MODULES else inner


def package_of(module: str) -> str:
    return module.partition(".")[0]


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_a_module_stands_on_a_floor(module):
    assert package_of(module) in FLOORS, f"DESIGN's table of floors does not know {module}"


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_a_module_imports_from_lower_floors_and_its_own_package_only(module):
    mine = package_of(module)
    for imported in own_imports(module):
        theirs = package_of(imported)
        if theirs == mine or not theirs:
            continue
        if FLOORS[mine] == FLOORS[theirs] == 0:
            continue  # the vocabulary's words may use each other; rings are looked for below
        assert FLOORS[theirs] < FLOORS[mine], f"{module} (floor {FLOORS[mine]}) imports {imported}"


@pytest.mark.parametrize("module", [name for name in MODULES if name])
def test_submodules_never_import_from_the_root_package(module):
    assert "" not in set(own_imports(module)), f"{module} imports a name from starshift/__init__.py"


@pytest.mark.parametrize("module", MODULES)
def test_keras_is_imported_where_the_design_allows_it_only(module):
    if module.startswith(KERAS_ALLOWED):
        return
    found = {imported for imported, _, _ in imports(module) if package_of(imported) in NEEDS_KERAS}
    assert not found, f"{module} imports {sorted(found)}"


@pytest.mark.parametrize("module", [name for name in MODULES if FLOORS.get(package_of(name)) == 0])
def test_the_vocabulary_has_no_heavy_import(module):
    found = {imported for imported, _, _ in imports(module) if package_of(imported) in HEAVY}
    assert not found, f"{module} imports {sorted(found)}"


@pytest.mark.parametrize("module", [name for name in MODULES if package_of(name) == "inference"])
def test_inference_needs_no_keras_even_through_others(module):
    reached, waiting = set(), [module]
    while waiting:
        if (one := waiting.pop()) not in reached:
            reached.add(one)
            waiting += own_imports(one)
    for one in reached:
        assert not any(package_of(imported) in NEEDS_KERAS for imported, _, _ in imports(one)), one


def test_no_modules_import_each_other_in_a_ring():
    # A package's __init__ lists its modules' names, which is no ring: it is passed through by Python itself.
    edges = {
        module: {one for one in own_imports(module) if one != module and MODULES[one].name != "__init__.py"}
        for module in MODULES
        if MODULES[module].name != "__init__.py"
    }
    done: set[str] = set()

    def visit(module: str, path: list[str]) -> None:
        assert module not in path, f"a ring: {' → '.join([*path[path.index(module) :], module])}"
        if module not in done:
            for following in sorted(edges[module]):
                visit(following, [*path, module])
            done.add(module)

    for module in sorted(edges):
        visit(module, [])


def test_no_pickle_is_ever_imported():
    for module in MODULES:
        found = {imported for imported, _, _ in imports(module)} & {
            "pickle",
            "dill",
            "cloudpickle",
            "joblib",
            "marshal",
        }
        assert not found, f"{module} imports {found}"


def test_every_module_says_in_a_docstring_what_it_is():
    for module, file in MODULES.items():
        assert ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))), module
