"""What of the project's source decides a stage's result, as a digest of each file."""

import ast
import hashlib
import json
import threading
from collections.abc import Iterator
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
TEXTS = ("*.jinja", "*.mplstyle")  # beside a module that fills them in, or draws by them
LOGGING = {"debug", "info", "warning", "log"}  # methods whose statements decide nothing either

# Python 3.11 counts the depth of all threads' syntax trees together, and fails if two are made.
_one_thread = threading.RLock()


@cache
def source_sha256(module: str, root: Path = PROJECT) -> str:
    """Hex SHA-256 of all that `source_digests` has."""
    return hashlib.sha256(json.dumps(source_digests(module, root)).encode()).hexdigest()


@cache
def source_digests(module: str, root: Path = PROJECT) -> dict[str, str]:
    """The digests of the source of `module`, as in `tasks.load`, and of all its project imports.

    They are those below `root`, inside functions, too; but not what is `UNDECISIVE`. Comments,
    docstrings and log statements do not count; the `TEXTS` beside a module do, to the byte.
    """
    with _one_thread:
        files = {path.relative_to(root).as_posix(): path for path in reachable(module, root)}
        return {name: _digest(files[name]) for name in sorted(files)}


def reachable(module: str, root: Path = PROJECT) -> set[Path]:
    """The files that decide what a module computes; see `source_digests`."""
    found: set[Path] = set()
    waiting = [module]
    while waiting:
        path = _path(waiting.pop(), root)
        if path is None or path.relative_to(root).as_posix().startswith(UNDECISIVE):
            continue
        if path not in found:
            found.update([path], *map(path.parent.glob, TEXTS))
            waiting += _imported(path)
    return found


@cache
def _path(module: str, root: Path) -> Path | None:
    """The file of a module; a package's has a docstring alone, which a test sees to."""
    path = root.joinpath(*module.split(".")).with_suffix(".py")
    return path if path.is_file() else None


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_bytes())


@cache
def _digest(path: Path) -> str:
    content = path.read_bytes()
    if path.suffix == ".py":
        for block in _blocks(tree := _parsed(path)):
            block[:] = filter(_is_decisive, block)
        content = ast.unparse(tree).encode()
    return hashlib.sha256(content).hexdigest()[:16]


def _blocks(node: ast.AST) -> Iterator[list[ast.AST]]:
    """The lists of statements in a syntax tree: to visit every expression takes several times."""
    for name in ("body", "orelse", "finalbody", "handlers", "cases"):
        if block := getattr(node, name, ()):
            yield block
            for statement in block:
                yield from _blocks(statement)


def _is_decisive(node: ast.AST) -> bool:
    """Whether a statement is neither a docstring nor a log statement."""
    call = node.value if isinstance(node, ast.Expr) else None
    is_log = isinstance(call, ast.Call) and getattr(call.func, "attr", "") in LOGGING
    return not (is_log or isinstance(call, ast.Constant))


@cache
def _imported(path: Path) -> list[str]:
    statements = [one for block in _blocks(_parsed(path)) for one in block]
    nodes = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom)]
    names = [(getattr(node, "module", None), alias.name) for node in nodes for alias in node.names]
    dotted = [".".join(filter(None, name)).split(".") for name in names]
    ours = [parts for parts in dotted if parts[0] in PACKAGES]
    return [".".join(parts[:end]) for parts in ours for end in range(1, len(parts) + 1)]
