"""Which of a user's files and columns are what: the guesses behind ``recfeat init``.

Guesses rest on column names and are confirmed by content: an items file's id must be unique, and
the interactions' items must be found in it. Whatever is guessed is said, so that it can be mended.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from recfeat_pipeline.catalog.types import CorpusRules
from recfeat_pipeline.errors import RecfeatError

SUFFIXES = (".parquet", ".csv", ".tsv")
SAMPLE = 20_000  # rows looked at for the content of columns

THINGS = (
    r"(item|movie|film|product|article|book|content|track|song|game|video|show|business|recipe)"
)
NAMES = {
    "user": r"(user|customer|member|reviewer|visitor|account|profile|client|player|reader|listener|"
    r"viewer|buyer|shopper)_?(id)?|uid",
    "item": rf"{THINGS}_?(id)?|asin|sku|isbn|iid",
    "title": rf"({THINGS}_?)?(title|name)|headline",
    "rating": r"rating|ratings|stars|score|overall|grade",
    "timestamp": r"timestamp|time|ts|date|datetime|(created|rated|viewed|event|watched|played|"
    r"read|bought|ordered|clicked)_?(at|on|time)|"
    r"unix_?review_?time",
    "split": r"split|fold|subset",
    "year": r"(release_?|publication_?)?year|(release|publication)_?date|released|published",
    "genres": r"genres?|categor(y|ies)",
    "imdb_id": r"imdb(_?id)?",
    "tmdb_id": r"tmdb(_?id)?",
    "tag": r"tag|tag_?name|keyword",
    "relevance": r"relevance|weight|score|count|strength",
}
"""What a column of each kind is called, in lower case with ``_`` between words."""

NO_TEXT = r"(^|_)(id|ids|url|uri|link|href|image|poster|photo|path|slug|hash|language|lang|title)$"
POPULARITY = r"revenue|gross|popularity|vote|rating|box_office|n_reviews|sales|rank"


@dataclass(frozen=True, eq=False)
class TableFile:
    """A file with a look inside."""

    path: Path
    n_rows: int
    sample: pl.DataFrame

    def column(self, kind: str) -> str | None:
        """The first column with a name of this kind."""
        return next((c for c in self.sample.columns if _is(c, kind)), None)

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


def find_tables(paths: Iterable[Path]) -> list[TableFile]:
    """Open the tables among files and folders (and their subfolders).

    Raises:
        RecfeatError: a path that is not there, a file that cannot be read, or nothing at all.
    """
    paths = list(paths)
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise RecfeatError(f"There is no file or folder {path}; check the path.")
        if path.is_dir():
            files += [p for p in sorted(path.glob("*")) + sorted(path.glob("*/*")) if _is_table(p)]
        else:
            files.append(path)
    if not files:
        raise RecfeatError(
            f"There is no .parquet, .csv or .tsv file in {', '.join(map(str, paths))}; name your "
            "files, or a folder that holds them."
        )
    once = {path.resolve(): path for path in files}  # a file may be in a named folder too
    return [_open(path) for path in once.values()]


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
    things = _pick("items", ("title",), tables, items, without="user", fallback=events)
    tagged = _pick_tags(tables, tags, (events, things))
    item_id, event_item, found = _join(things, events)
    columns = {
        "items": {"id": item_id, **_columns(things, ("title", "year", "genres"), {item_id})},
        "interactions": {
            "user": events.column("user") or "",
            "item": event_item,
            **_columns(events, ("rating", "timestamp", "split"), {event_item}),
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
        f"[items] {things.path.name}: {things.n_rows:,} rows, id {item_id!r}",
        f"[interactions] {events.path.name}: {events.n_rows:,} rows, item {event_item!r}; "
        f"{found:.0%} of the items looked at are in [items]",
    ]
    if tagged:
        remarks.append(f"[tags] {tagged.path.name}: {tagged.n_rows:,} rows")
    remarks.append(
        f"[items.document] {', '.join(document) or 'nothing but the title'}"
        + (f"; left out: {', '.join(left_out)}" if left_out else "")
    )
    remarks.append(kept)
    unused = [t.path.name for t in tables if t not in (things, events, tagged)]
    if unused:
        remarks.append(f"not used: {', '.join(unused)}")
    return Draft(things, events, tagged, columns, document, left_out, rules, remarks)


def _is_table(path: Path) -> bool:
    return path.is_file() and path.suffix in SUFFIXES


def _is(column: str, kind: str) -> bool:
    return re.fullmatch(NAMES[kind], _snake(column)) is not None


def _snake(name: str) -> str:
    """``movieId``, ``Movie ID`` and ``movie-id`` are one: ``movie_id``."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


def _open(path: Path) -> TableFile:
    if path.suffix not in SUFFIXES:
        raise RecfeatError(
            f"{path} is neither .parquet nor .csv nor .tsv; convert it to one of these."
        )
    try:
        lazy = _scan(path)
        sample = lazy.head(SAMPLE).collect()
        n_rows = int(lazy.select(pl.len()).collect().item())
    except (pl.exceptions.PolarsError, OSError) as error:
        first = str(error).splitlines()[0]
        raise RecfeatError(f"{path} cannot be read as a table ({first}); is it damaged?") from error
    return TableFile(path, n_rows, sample)


def _scan(path: Path) -> pl.LazyFrame:
    if path.suffix == ".parquet":
        return pl.scan_parquet(path)
    return pl.scan_csv(path, separator="," if path.suffix == ".csv" else "\t", ignore_errors=True)


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
        table = table or _open(named)
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
    there = "; ".join(f"{t.path.name} has {', '.join(t.sample.columns)}" for t in tables)
    raise RecfeatError(
        f"No table looks like [{section}], which needs a column for {' and '.join(kinds)} "
        f"({there}). Name it with --{section} FILE, or rename its columns."
    )


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


def _join(things: TableFile, events: TableFile) -> tuple[str, str, float]:
    """The id columns of items and interactions whose values meet most, and the share that does."""
    user = events.column("user")
    keys = [c for c in things.sample.columns if _is(c, "item") or _snake(c) == "id"]
    keys = keys or [c for c in things.sample.columns if things.sample[c].is_unique().all()]
    refs = [c for c in events.sample.columns if _is(c, "item") and c != user]
    refs = refs or [c for c in events.sample.columns if c != user]
    if not keys or not refs:
        raise RecfeatError(
            f"No column of {things.path.name} looks like an item id: it has "
            f"{', '.join(things.sample.columns)}. Name it item_id or id."
        )
    met = [
        (len(things.ids(key) & (of_ref := events.ids(ref))) / max(len(of_ref), 1), key, ref)
        for key in keys
        for ref in refs
    ]
    share, key, ref = max(met, key=lambda pair: pair[0])
    return key, ref, share


def _columns(table: TableFile, kinds: tuple[str, ...], taken: set[str]) -> dict[str, str]:
    found = {kind: table.column(kind) for kind in kinds}
    return {kind: column for kind, column in found.items() if column and column not in taken}


def _document(things: TableFile, taken: set[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Text columns by label, genres first; and those that are left out, with the reason."""
    document, left_out = {}, {}
    genres = things.column("genres")
    for column in sorted(things.sample.columns, key=lambda column: column != genres):
        values, name = things.sample[column].drop_nulls(), _snake(column)
        is_text = values.dtype == pl.String or values.dtype == pl.List(pl.String)
        if not is_text or (column in taken and column != genres):
            continue
        if values.is_empty():
            left_out[column] = "it is empty"
        elif re.search(POPULARITY, name):
            left_out[column] = "it says how popular the item is, which scores must not know"
        elif re.search(NO_TEXT, name) or _looks_like_links(values):
            left_out[column] = "it holds ids, links or codes"
        else:
            document[name.replace("_", " ").capitalize()] = column
    return document, left_out


def _looks_like_links(values: pl.Series) -> bool:
    return values.dtype == pl.String and bool(values.head(50).str.contains(r"^(https?:|/)").all())


def _rules(events: TableFile, user: str, item: str) -> tuple[CorpusRules, str]:
    """The strictest of the usual cut-offs that keep a corpus worth measuring on."""
    pairs = _scan(events.path).select(user=user, item=item)
    per_item = pairs.group_by("item").len().collect()["len"]
    per_user = pairs.group_by("user").len().collect()["len"]
    item_rule = _strictest((200, 100, 50, 20, 10, 5, 2, 0), per_item, at_least=300)
    user_rule = _strictest((20, 10, 5, 3, 2), per_user, at_least=1_000)
    n_items, n_users = int((per_item > item_rule).sum()), int((per_user >= user_rule).sum())
    kept = (
        f"[corpus] items with more than {item_rule} interactions ({n_items:,} of {len(per_item):,})"
        f", users with {user_rule} or more ({n_users:,} of {len(per_user):,})"
    )
    return CorpusRules(item_rule, user_rule, max(500, 10 * user_rule)), kept


def _strictest(limits: Sequence[int], counts: pl.Series, at_least: int) -> int:
    """The first limit that keeps ``at_least`` of them, or half where there are fewer."""
    enough = min(at_least, len(counts) / 2)
    return next((limit for limit in limits if (counts > limit).sum() >= enough), limits[-1])
