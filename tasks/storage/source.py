"""The digest of a module's source and of every project module that it imports."""

import ast
import hashlib
import threading
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[2]
PACKAGES = ("flows", "tasks")
# They decide no result, so that an edit of them computes nothing again.
UNDECISIVE = (
    "tasks/errors.py",  # says what is wrong
    "tasks/networks/models.py",  # carries models, whose digests are checked
    "tasks/networks/progress.py",  # shows how far a training is
    "tasks/storage/",  # carries arrays and records, whose digests are checked
)

# Python 3.11 counts the depth of all threads' syntax trees together, and fails if two are made.
_parsing = threading.Lock()


@cache
def source_sha256(module: str, root: Path = PROJECT) -> str:
    """Hex SHA-256 over the source of `module`, as in `tasks.load`, and of all its project imports.

    They are those below `root`, inside functions, too; but not what is `UNDECISIVE`.
    """
    digest = hashlib.sha256()
    for path in sorted(reachable(module, root)):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def reachable(module: str, root: Path = PROJECT) -> set[Path]:
    """The files that decide what a module computes; see `source_sha256`."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = _path(waiting.pop(), root)
        if path is None or path.relative_to(root).as_posix().startswith(UNDECISIVE):
            continue
        if path not in found:
            found.add(path)
            waiting += _imported(path)
    return found


@cache
def _path(module: str, root: Path) -> Path | None:
    base = root.joinpath(*module.split("."))
    candidates = (base.with_suffix(".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


@cache
def _imported(path: Path) -> list[str]:
    """Every dotted name below the project's packages that a file may import, parents included."""
    with _parsing:
        tree = ast.parse(path.read_bytes())
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [(getattr(node, "module", None), alias.name) for node in nodes for alias in node.names]
    dotted = [".".join(filter(None, name)).split(".") for name in names]
    ours = [parts for parts in dotted if parts[0] in PACKAGES]
    return [".".join(parts[:end]) for parts in ours for end in range(1, len(parts) + 1)]
