"""Why a stage has to run: what is another than at the most similar of its former results."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from tasks.schemas.references import Record
from tasks.storage.records import FOLDER, UNREADABLE, read_record, read_unchecked
from tasks.storage.stages import cache_key
from tasks.storage.store import DamagedError, Store

RECENT = 300  # records, among which a former one of a stage is looked for
SHOWN = 3  # reasons
DIGEST = 64  # characters
DEEPEST = 3  # names above that of a setting: what is deeper in an input was computed
SHAPING = "inputs/folds"  # a setting on which it depends which stages follow
OTHER = "has other content"  # which is known only once it was computed, and is told last
NEVER = "no result of it is stored here"

Names: TypeAlias = Collection[str]
Decided: TypeAlias = Mapping[str, Any]  # what decided a result


class NotStoredError(Exception):
    """A stage would run; `stand_in` is a former result of it, if there is one.

    `inputs` are those that have another content than for that one, if nothing else is another.
    """

    def __init__(self, reason: str, stand_in: Record | None = None, inputs: Names = ()) -> None:
        super().__init__(reason)
        self.stand_in, self.inputs = stand_in, inputs


def stored(store: Store, decided_by: Decided, known: Names, renewed: Names = ()) -> Record:
    """The result that so much decides; NotStoredError if there is no record, or it is damaged.

    No result of the present run, whose keys are `known`, stands in for one; no file of `renewed`
    counts as damaged, as it would be stored again before.
    """
    try:
        return read_record(store, cache_key(decided_by), renewed)
    except UNREADABLE as error:
        reason = str(error) if isinstance(error, DamagedError) else ""
    before, stand_in = nearest(store, decided_by, known)
    words, inputs = differences(before, decided_by)
    is_alike = _flat(before).get(SHAPING) == _flat(decided_by).get(SHAPING)
    raise NotStoredError(reason or words, stand_in if is_alike else None, () if reason else inputs)


def nearest(store: Store, decided_by: Decided, known: Names) -> tuple[Decided, Record | None]:
    """What decided a former result of a stage, and that: of most similar settings and inputs."""
    wanted = _flat(decided_by)

    def likeness(former: tuple[Decided, Record]) -> tuple[int, int, int]:
        other = wanted.items() ^ _flat(former[0]).items()
        inputs = [(path, value) for path, value in other if path.startswith("inputs")]
        return -sum(not _is_content(*one) for one in inputs), -len(inputs), -len(other)

    # of a remote, to read so many records would take longer than many a stage
    former = () if store.remote else _former(store, decided_by["stage"], known)
    return max(former, key=likeness, default=({}, None))


def _former(store: Store, stage: str, known: Names) -> Iterator[tuple[Decided, Record]]:
    names = (name.removeprefix(f"{FOLDER}/") for name in store.names(FOLDER)[-RECENT:][::-1])
    for key in (name for name in names if name not in known):
        with suppress(*UNREADABLE):
            record, decided_by = read_unchecked(store, key)
            if decided_by["stage"] == stage:
                yield decided_by, record


def differences(before: Decided, now: Decided) -> tuple[str, Names]:
    """What is another than before, if there is one: in words, and which inputs, if only they."""
    if not before:
        return NEVER, ()
    old, new = _flat(before), _flat(now)
    changed = {path: (old.get(path), new.get(path)) for path in {**new, **old}}
    changed = {path: pair for path, pair in changed.items() if pair[0] != pair[1]}
    told = sorted(dict.fromkeys(_in_words(changed)), key=lambda words: words.endswith(OTHER))
    names = {path.split("/")[1] if path.startswith("inputs/") else "" for path in changed}
    words = ", ".join(told[:SHOWN]) + (f" and {len(told) - SHOWN} more" if told[SHOWN:] else "")
    return words, () if "" in names else names


def _in_words(changed: Mapping[str, tuple[object, object]]) -> Iterator[str]:
    leaves = ((path, value) for path, pair in changed.items() for value in pair)
    other = {path.split("/")[1] for path, value in leaves if _is_content(path, value)}
    for path, (before, now) in changed.items():
        kind, name = path.split("/", 1)
        if kind == "source":
            yield f"{name} was edited"
        elif name.split("/")[0] in other:
            yield f"{name.split('/')[0]} {OTHER}"
        else:
            yield f"{name.replace('/', '.')} {before} -> {now}"


def _is_content(path: str, value: object) -> bool:
    return (isinstance(value, str) and len(value) == DIGEST) or path.count("/") > DEEPEST


def _flat(value: Any, path: str = "") -> dict[str, object]:
    """The leaves of nested mappings and lists, by their paths."""
    if isinstance(value, list | tuple):
        value = {str(place): item for place, item in enumerate(value)}
    if not isinstance(value, Mapping):
        return {path: value}
    below = (_flat(item, f"{path}/{name}".lstrip("/")) for name, item in value.items())
    return {path: leaf for leaves in below for path, leaf in leaves.items()}
