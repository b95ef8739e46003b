"""The rule of the house: flows -> stages -> rooms -> schemas -> errors."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
LAYERS = ("errors", "schemas", "room", "stage", "flow")
ROOMS = (
    *("storage", "statistics", "data", "networks", "plots"),
    *("arrivals", "registry", "prediction", "trials", "reporting"),
)


def layer(module: str) -> str:
    package, first = [*module.split("."), ""][:2]
    if package == "flows":
        return "flow"
    is_folder = (ROOT / package / first).is_dir()
    return first if first in ("errors", "schemas") else "room" if is_folder else "stage"


def imports() -> list[tuple[str, str]]:
    """Every module of the project with the dotted name of each module that it imports."""
    found = []
    for path in (*ROOT.glob("flows/**/*.py"), *ROOT.glob("tasks/**/*.py")):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                found += [(module, name if is_module(name) else node.module) for name in names]
            elif isinstance(node, ast.Import):
                found += [(module, alias.name) for alias in node.names]
    return found


def is_module(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or path.is_dir()


def test_imports_go_downward_and_no_stage_imports_a_stage():
    for module, name in imports():
        if name.partition(".")[0] in ("flows", "tasks"):
            above, below = LAYERS.index(layer(module)), LAYERS.index(layer(name))
            beside = layer(module) in ("flow", "room", "schemas")
            assert below < above or (below == above and beside), f"{module} imports {name}"


def test_a_room_imports_rooms_below_it():
    for module, name in imports():
        if name.startswith("tasks.") and layer(module) == layer(name) == "room":
            room, other = (ROOMS.index(dotted.split(".")[1]) for dotted in (module, name))
            assert other <= room, f"{module} imports {name}"


def test_only_networks_import_keras_and_tensorflow():
    for module, name in imports():
        if name.partition(".")[0] in ("keras", "tensorflow"):
            assert module.startswith("tasks.networks."), f"{module} imports {name}"
