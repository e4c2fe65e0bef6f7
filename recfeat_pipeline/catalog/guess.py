"""Which of a user's files and columns are what: the guesses behind ``recfeat init``.

Guesses rest on column names and are confirmed by content: an items file's id must be unique, and
the interactions' items must be found in it. Whatever is guessed is said, so that it can be mended.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from recfeat_pipeline.catalog import clean
from recfeat_pipeline.catalog.fetch import fetch, plain_suffix, tables_in
from recfeat_pipeline.catalog.formats import kinds, parquet
from recfeat_pipeline.catalog.formats.form import Form
from recfeat_pipeline.catalog.guess_names import (
    NO_TEXT,
    ORIGIN,
    POPULARITY,
    is_named,
    looks_like_codes,
    looks_like_links,
    snake,
)
from recfeat_pipeline.catalog.tables import PLAIN, read_table
from recfeat_pipeline.catalog.types import CorpusRules
from recfeat_pipeline.errors import RecfeatError

KEPT_ITEMS, KEPT_USERS = 0.6, 0.4  # least shares that proposed corpus rules keep
MOST_KINDS = 20  # of event; a column with more values is something else
SAMPLE = 20_000  # rows looked at for the content of columns
NOT_LOOKED_FOR = (".txt", ".dat")  # in folders, for most hold no table


@dataclass(frozen=True, eq=False)
class TableFile:
    """A file, or one table of several in it, with a look inside."""

    path: Path
    n_rows: int
    sample: pl.DataFrame
    form: Form = PLAIN

    @property
    def name(self) -> str:
        """As it is said to the user."""
        return f"{self.path.name} ({self.form.table})" if self.form.table else self.path.name

    def column(self, kind: str) -> str | None:
        """The column with a name of this kind; of several, the plainest name."""
        found = [c for c in self.sample.columns if is_named(c, kind)]
        return min(found, key=lambda c: re.match(ORIGIN, snake(c)) is not None, default=None)

    def ids(self, column: str) -> set[str]:
        """Values as text: ids may be numbers in one file and text in the other."""
        return set(self.sample[column].drop_nulls().cast(pl.String))


@dataclass
class Draft:
    """A catalogue to be: files and columns by section of the catalogue file."""

    items: TableFile
    interactions: TableFile
    tags: TableFile | None
    columns: dict[str, dict[str, str]]  # section -> our name -> column
    document: dict[str, str]  # label -> column
    left_out: dict[str, str]  # text column of the items -> why it is not in the document
    rules: CorpusRules
    remarks: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Of the data, so that two catalogues do not share a name by accident."""
        place = self.items.path.resolve()
        stem = place.name.split(".")[0]
        return f"{place.parent.name}-{stem}" if place.parent.name else stem


def find_tables(paths: Iterable[Path]) -> list[TableFile]:
    """Open the tables among files and folders (and their subfolders).

    Raises:
        RecfeatError: a path that is not there, a named file that cannot be read, or nothing at all.
    """
    paths = list(paths)
    named: dict[Path, Path] = {}  # by where it really is, for a file may be in a named folder too
    met: dict[Path, Path] = {}
    for path in paths:
        if not path.exists():
            raise RecfeatError(f"There is no file or folder {path}; check the path.")
        inside = [*sorted(path.glob("*")), *sorted(path.glob("*/*"))] if path.is_dir() else []
        met |= {p.resolve(): p for p in inside if _is_table(p)}
        if not path.is_dir():
            named[path.resolve()] = path
    tables = [table for path in named.values() for table in _open(path)]
    for place, path in met.items():
        if place not in named:
            try:
                tables += _open(path)
            except RecfeatError:  # a settings file, say
                continue
    if not tables:
        raise RecfeatError(
            f"There is no table ({', '.join(_looked_for())}) in {', '.join(map(str, paths))}; name "
            "your files, or a folder that holds them."
        )
    return tables


def draft_catalog(
    tables: Sequence[TableFile],
    items: Path | None = None,
    interactions: Path | None = None,
    tags: Path | None = None,
) -> Draft:
    """Guess what each table and column is.

    Args:
        tables: what there is.
        items: the file that is the items, where the user says so; likewise the others.
        interactions: see above.
        tags: see above.

    Raises:
        RecfeatError: no table looks like interactions or items.
    """
    events = _pick("interactions", ("user", "item"), tables, interactions, without="tag")
    things = _pick_items(tables, items, events)
    tagged = _pick_tags(tables, tags, (events, things))
    item_id, event_item, found = _join(things, events)
    named = _columns(things, ("title", "year", "genres"), {item_id})
    columns = {
        "items": {"id": item_id, "title": item_id, **named},
        "interactions": {
            "user": events.column("user") or "",
            "item": event_item,
            **_event_columns(events, {event_item, events.column("user") or ""}),
        },
    }
    for kind in ("imdb_id", "tmdb_id"):
        if (column := things.column(kind)) and column != item_id:
            columns["items"][kind] = column
    if tagged:
        columns["tags"] = {
            "item": tagged.column("item") or "",
            **_columns(tagged, ("tag", "relevance"), set()),
        }
    document, left_out = _document(things, set(columns["items"].values()))
    rules, kept = _rules(events, columns["interactions"]["user"], event_item)
    remarks = [
        f"[items] {things.name}: {things.n_rows:,} rows, id {item_id!r}",
        f"[interactions] {events.name}: {events.n_rows:,} rows, item {event_item!r}; "
        f"{found:.0%} of the items looked at are in [items]",
    ]
    if "title" not in named:
        remarks.append(f"{things.name} has no column for a title: {item_id!r} stands in")
    if tagged:
        remarks.append(f"[tags] {tagged.name}: {tagged.n_rows:,} rows")
    remarks.append(
        f"[items.document] {', '.join(document) or 'nothing but the title'}"
        + (f"; left out: {', '.join(left_out)}" if left_out else "")
    )
    remarks.append(kept)
    unused = [t.name for t in tables if t not in (things, events, tagged)]
    if unused:
        remarks.append(f"not used: {', '.join(unused)}")
    return Draft(things, events, tagged, columns, document, left_out, rules, remarks)


def _looked_for() -> list[str]:
    return [suffix for suffix in (*kinds(), ".zip") if suffix not in NOT_LOOKED_FOR]


def _is_table(path: Path) -> bool:
    return path.is_file() and plain_suffix(str(path)) in _looked_for()


def _open(path: Path) -> list[TableFile]:
    """A file's tables.

    Raises:
        RecfeatError: it is of an unknown kind, or cannot be read.
    """
    return [_look(path, Form(table=name)) for name in tables_in(str(path))]


def _look(path: Path, form: Form) -> TableFile:
    what = "recfeat init"
    if plain_suffix(str(path)) in parquet.SUFFIXES:
        names = parquet.columns(path, form, what)
        lazy = pl.scan_parquet(path)
        n_rows = int(lazy.select(pl.len()).collect().item())
        return TableFile(path, n_rows, lazy.select(names).head(SAMPLE).collect(), form)
    if plain_suffix(str(path)) in (*kinds(), ".zip"):
        local = fetch(str(path), form, what)
        kind = kinds()[local.path.suffix.lower()]
        if hasattr(kind, "guess"):
            form = replace(kind.guess(local.path), table=form.table)
    frame = read_table(path, None, what, form).frame
    sample = frame.head(SAMPLE)
    return TableFile(path, frame.height, sample.with_columns(map(_typed, sample)), form)


def _typed(values: pl.Series) -> pl.Series:
    """Text that is all numbers, as numbers."""
    if values.dtype != pl.String or values.null_count() == len(values):
        return values
    numbers = clean.number(values)
    if numbers.null_count() > values.null_count():
        return values
    whole = clean.ids(values)
    return whole if whole.dtype == pl.Int64 else numbers


def _pick(
    section: str,
    kinds: tuple[str, ...],
    tables: Sequence[TableFile],
    named: Path | None,
    without: str,
    fallback: TableFile | None = None,
) -> TableFile:
    """The table of a section: the one the user names, else the largest that has the columns."""
    if named is not None:
        table = next((t for t in tables if t.path.resolve() == named.resolve()), None)
        table = table or _open(named)[0]
        missing = [kind for kind in kinds if not table.column(kind) and kind != "item"]
        if missing:
            raise RecfeatError(
                f"{named} has no column that looks like a {missing[0]}: it has "
                f"{', '.join(table.sample.columns)}. Rename one, or write the catalogue file by "
                "hand (docs/catalogue-file.md)."
            )
        return table
    fit = [t for t in tables if all(t.column(k) for k in kinds) and not t.column(without)]
    if fit:
        return max(fit, key=lambda t: t.n_rows)
    if fallback is not None and all(fallback.column(kind) for kind in kinds):
        return fallback
    there = "; ".join(f"{t.name} has {', '.join(t.sample.columns)}" for t in tables)
    nearest = max(tables, key=lambda t: (sum(bool(t.column(k)) for k in kinds), t.n_rows))
    missing = [kind for kind in kinds if not nearest.column(kind)]
    lacks = f"; {nearest.name} lacks a column for {missing[0]}" if 0 < len(missing) < 2 else ""
    raise RecfeatError(
        f"No table looks like [{section}], which needs a column for {' and '.join(kinds)}{lacks} "
        f"({there}). Name it with --{section} FILE, or rename its columns."
    )


def _pick_items(tables: Sequence[TableFile], named: Path | None, events: TableFile) -> TableFile:
    """The table of the items: by its title, else by an id, each once, that the events meet."""
    if named is None and any(table.column("title") for table in tables):
        return _pick("items", ("title",), tables, None, without="user", fallback=events)
    if named is not None:
        return _pick("items", (), tables, named, without="user")
    refs = [events.ids(c) for c in events.sample.columns if is_named(c, "item")]
    untitled = {
        max((len(table.ids(key) & ref) for ref in refs), default=0): table
        for table in tables
        for key in _id_columns(table)
        if table is not events and table.sample[key].is_unique().all()
    }
    if most := max(untitled, default=0):
        return untitled[most]
    return _pick("items", ("title",), tables, None, without="user", fallback=events)


def _pick_tags(
    tables: Sequence[TableFile], named: Path | None, taken: tuple[TableFile, ...]
) -> TableFile | None:
    if named is not None:
        return _pick("tags", ("item", "tag"), tables, named, without="user")
    fit = [t for t in tables if t not in taken and t.column("item") and t.column("tag")]
    # The one that speaks of most items, as far as one can see.
    return max(
        (t for t in fit if not t.column("user")),
        key=lambda t: len(t.ids(t.column("item") or "")),
        default=None,
    )


def _id_columns(things: TableFile) -> list[str]:
    return [c for c in things.sample.columns if is_named(c, "item") or snake(c) == "id"]


def _join(things: TableFile, events: TableFile) -> tuple[str, str, float]:
    """The id columns of items and interactions whose values meet most, and the share that does."""
    user = events.column("user")
    keys = _id_columns(things)
    keys = keys or [c for c in things.sample.columns if things.sample[c].is_unique().all()]
    refs = [c for c in events.sample.columns if is_named(c, "item") and c != user]
    refs = refs or [c for c in events.sample.columns if c != user]
    if not keys or not refs:
        raise RecfeatError(
            f"No column of {things.name} looks like an item id: it has "
            f"{', '.join(things.sample.columns)}. Name it item_id or id."
        )
    met = [
        (len(things.ids(key) & (of_ref := events.ids(ref))) / max(len(of_ref), 1), key, ref)
        for key in keys
        for ref in refs
    ]
    share, key, ref = max(met, key=lambda pair: (pair[0], pair[1] == pair[2]))
    return key, ref, share


def _event_columns(events: TableFile, taken: set[str]) -> dict[str, str]:
    """A rating, else a count; a time, else a position; a kind and a split."""
    found = _columns(events, ("rating", "count", "timestamp", "position", "kind", "split"), taken)
    for better, other in (("rating", "count"), ("timestamp", "position")):
        if better in found:
            found.pop(other, None)
    if "kind" in found and events.sample[found["kind"]].n_unique() > MOST_KINDS:
        del found["kind"]
    return found


def _columns(table: TableFile, kinds: tuple[str, ...], taken: set[str]) -> dict[str, str]:
    found = {kind: table.column(kind) for kind in kinds}
    return {kind: column for kind, column in found.items() if column and column not in taken}


def _document(things: TableFile, taken: set[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Text columns by label, genres first; and those that are left out, with the reason."""
    document, left_out = {}, {}
    genres = things.column("genres")
    for column in sorted(things.sample.columns, key=lambda column: column != genres):
        values, name = things.sample[column].drop_nulls(), snake(column)
        is_text = values.dtype == pl.String or values.dtype == pl.List(pl.String)
        if not is_text or (column in taken and column != genres):
            continue
        if values.is_empty():
            left_out[column] = "it is empty"
        elif re.search(POPULARITY, name):
            left_out[column] = "it says how popular the item is, which scores must not know"
        elif re.search(NO_TEXT, name) or looks_like_links(values) or looks_like_codes(values):
            left_out[column] = "it holds ids, links or codes"
        else:
            document[name.replace("_", " ").capitalize()] = column
    return document, left_out


def _rules(events: TableFile, user: str, item: str) -> tuple[CorpusRules, str]:
    """The strictest of the usual cut-offs that keep most of the catalogue, and what they keep."""
    pairs = read_table(events.path, [user, item], "recfeat init", events.form).frame
    per_item = pairs.group_by(item).len()["len"]
    per_user = pairs.group_by(user).len()["len"]
    item_rule = _strictest((200, 100, 50, 20, 10, 5, 2, 0), per_item, KEPT_ITEMS)
    user_rule = _strictest((20, 10, 5, 3), per_user + 1, KEPT_USERS)
    n_items, n_users = int((per_item > item_rule).sum()), int((per_user >= user_rule).sum())
    kept = (
        f"[corpus] items with more than {item_rule} interactions ({n_items:,} of {len(per_item):,})"
        f", users with {user_rule} or more ({n_users:,} of {len(per_user):,}) are evaluated; newer "
        "items are scored as well"
    )
    return CorpusRules(item_rule, user_rule, max(500, 10 * user_rule)), kept


def _strictest(limits: Sequence[int], counts: pl.Series, share: float) -> int:
    """The first limit that this share is above, else the last one."""
    enough = share * len(counts)
    return next((limit for limit in limits if (counts > limit).sum() >= enough), limits[-1])
