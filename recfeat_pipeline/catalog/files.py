"""Read the user's own tables, as a catalogue file (TOML) describes them.

Data files are read, never executed; their paths are relative to the catalogue file. What happens
to each mistake:

=========================================================  ======================================
mistake                                                    what happens
=========================================================  ======================================
invalid TOML, unknown or missing key, wrong type           error: file, line, did-you-mean
missing file, column; empty file; unknown kind of file     error: file, nearest name
CSV row with too many or too few fields, not UTF-8         error: file, line
one item id with two titles; a column of no plain type     error: file, lines
a split that is not train, valid or test                   error: file, line
more than half of a column unparsable or out of range      error: file, column, first line
an item row repeated; an item, user or tag without id      row dropped, note
an item without title                                      titled "item <id>", note
year, TMDB or IMDb id that does not parse                  null, note
rating or timestamp that does not parse                    row dropped, note with lines
timestamp at or before 1970, or after 2099                 null (unordered), note with lines
timestamps in milli-, micro- or nanoseconds                converted, note
a (user, item) pair repeated                               first kept (by split, then time), note
interaction or tag of an item that is not in the items     row dropped, note
no split where other rows have one                         row dropped, note
tag without relevance                                      relevance 1; if unparsable, dropped
=========================================================  ======================================
"""

from pathlib import Path

import polars as pl

from recfeat_pipeline.catalog import clean
from recfeat_pipeline.catalog.spec import CatalogSpec, read_spec
from recfeat_pipeline.catalog.tables import Table, read_table
from recfeat_pipeline.catalog.types import Catalog, Note
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.schemas import FIELDS, INTERACTIONS, TAGS

SPLITS = ["train", "valid", "test"]
ROW = "__row"  # 0-based row in the file, kept until the last check that names a line


def read_files(file: Path) -> Catalog:
    """Read the catalogue that a TOML file describes.

    Raises:
        RecfeatError: a mistake that cannot be repaired (see the table above).
    """
    return _Reader(read_spec(file)).read()


class _Reader:
    """One reading: the specification, the tables and the notes met on the way."""

    def __init__(self, spec: CatalogSpec):
        self.spec = spec
        self.notes: list[Note] = []
        self.tables: dict[str, Table] = {}

    def read(self) -> Catalog:
        columns = self.spec.columns
        raw = {section: self._load(section) for section in columns}
        with_items = [section for section in ("items", "interactions", "tags") if section in raw]
        item_ids = clean.ids([raw[s]["id" if s == "items" else "item"] for s in with_items])
        for section, values in zip(with_items, item_ids, strict=True):
            raw[section] = raw[section].with_columns(item_id=values)
        raw["interactions"] = raw["interactions"].with_columns(
            user_id=clean.ids([raw["interactions"]["user"]])[0]
        )
        items, fields = self._items(raw["items"])
        known = items.select("item_id")
        interactions = self._interactions(raw["interactions"], known)
        tags = self._tags(raw["tags"], known) if "tags" in raw else None
        return Catalog(
            name=self.spec.name,
            items=items,
            fields=fields,
            interactions=interactions,
            tags=tags,
            rules=self.spec.rules,
            notes=tuple(self.notes),
            source=str(self.spec.file),
        )

    # -- shared --------------------------------------------------------------------------------

    def _load(self, section: str) -> pl.DataFrame:
        """A section's table under our column names, with its row numbers."""
        columns = self.spec.columns[section]
        document = self.spec.document if section == "items" else {}
        table = read_table(
            self.spec.paths[section],
            [*columns.values(), *document.values()],
            f"[{section}] of {self.spec.file.name}",
        )
        self.tables[section] = table
        frame = table.frame
        return frame.select(
            pl.int_range(pl.len(), dtype=pl.UInt32).alias(ROW),
            *(pl.col(column).alias(name) for name, column in columns.items()),
            *(pl.col(column).alias(f"document:{label}") for label, column in document.items()),
        )

    def _note(self, kind: str, section: str, bad: pl.DataFrame, message: str) -> None:
        """Count rows, with where the first three stand; nothing when there are none."""
        if bad.height:
            table = self.tables[section]
            places = table.places(bad[ROW].head(3).to_list())
            what = f"{table.path.name}: {bad.height:,} {message}"
            self.notes.append(Note(kind, bad.height, what, tuple(places)))

    def _drop(
        self, kind: str, section: str, frame: pl.DataFrame, bad: pl.Expr, message: str
    ) -> pl.DataFrame:
        self._note(kind, section, frame.filter(bad), message)
        return frame.filter(~bad)

    def _check_mostly_good(
        self, section: str, name: str, frame: pl.DataFrame, bad: pl.Series, problem: str
    ) -> None:
        if bad.sum() * 2 > frame.height:
            table = self.tables[section]
            first = frame.filter(bad).row(0, named=True)
            place = table.places([first[ROW]])[0]
            raise RecfeatError(
                f"{table.path}, {place}, column {self.spec.columns[section][name]!r}: "
                f"{first[name]!r} is not {problem}, like most of the column; is it the right one?"
            )

    # -- items ---------------------------------------------------------------------------------

    def _items(self, raw: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        raw = raw.with_columns(title=clean.text(raw["title"]))
        raw = self._drop(
            "items_without_id",
            "items",
            raw,
            pl.col("item_id").is_null(),
            "items without id dropped",
        )
        raw = self._unique_items(raw)
        untitled = pl.col("title").is_null()
        self._note(
            "items_without_title",
            "items",
            raw.filter(untitled),
            'items without title, titled "item <id>"',
        )
        raw = raw.with_columns(pl.coalesce("title", pl.format("item {}", "item_id"))).sort(
            "item_id"
        )
        items = raw.select(
            "item_id",
            "title",
            year=self._optional(raw, "year", clean.integer).cast(pl.Int32, strict=False),
            genres=self._genres(raw),
            imdb_id=self._optional(raw, "imdb_id", clean.imdb_id).cast(pl.String),
            tmdb_id=self._optional(raw, "tmdb_id", clean.integer).cast(pl.Int64),
        ).with_columns(year=pl.coalesce("year", clean.year_in_title(raw["title"])))
        return items, self._fields(raw)

    def _unique_items(self, raw: pl.DataFrame) -> pl.DataFrame:
        twice = raw.filter(pl.col("item_id").is_duplicated())
        clash = twice.filter(pl.col("title").n_unique().over("item_id") > 1).sort("item_id", ROW)
        if clash.height:
            table = self.tables["items"]
            first, second = table.places(clash[ROW].head(2).to_list())
            raise RecfeatError(
                f"{table.path}, {first} and {second}: item id {clash['item_id'][0]!r} stands for "
                f"{clash['title'][0]!r} and {clash['title'][1]!r}; give each item an id of its own."
            )
        repeated = ~pl.col("item_id").is_first_distinct()
        return self._drop("repeated_items", "items", raw, repeated, "repeated item rows dropped")

    def _optional(self, raw: pl.DataFrame, name: str, parse) -> pl.Series:  # type: ignore[no-untyped-def]
        """A parsed optional column; what does not parse is null and noted."""
        if name not in raw.columns:
            return pl.Series(name, [None] * raw.height, dtype=pl.Null)
        parsed = parse(raw[name])
        bad = raw.filter(clean.given(raw[name]) & parsed.is_null())
        self._note(f"unparsable_{name}", "items", bad, f"items whose {name} does not parse: null")
        return parsed

    def _genres(self, raw: pl.DataFrame) -> pl.Series:
        """From [items] genres, else from the document column labelled "Genres"."""
        label = next((k for k in self.spec.document if k.lower() == "genres"), None)
        source = "genres" if "genres" in raw.columns else f"document:{label}"
        if source not in raw.columns:
            return pl.Series([[]] * raw.height, dtype=pl.List(pl.String))
        return clean.genres(raw[source])

    def _fields(self, raw: pl.DataFrame) -> pl.DataFrame:
        """Title first, unless the file labels a Title of its own; then its labels in order."""
        labels = [] if "Title" in self.spec.document else [("Title", "title")]
        labels += [(label, f"document:{label}") for label in self.spec.document]
        parts = []
        for position, (label, column) in enumerate(labels):
            if isinstance(raw[column].dtype, pl.Struct | pl.Binary | pl.Object):
                table = self.tables["items"]
                raise RecfeatError(
                    f"{table.path}: column {self.spec.document[label]!r} holds "
                    f"{raw[column].dtype}, not text or lists of text; it cannot be a document field."
                )
            parts.append(
                raw.select(
                    "item_id",
                    source=pl.lit("catalog"),
                    label=pl.lit(label),
                    position=pl.lit(position, dtype=pl.Int32),
                    text=clean.document_text(raw[column]),
                )
            )
        fields = pl.concat(parts).drop_nulls("text").sort("item_id", "position")
        return fields.select(FIELDS.keys())

    # -- interactions --------------------------------------------------------------------------

    def _interactions(self, raw: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
        section = "interactions"
        no_id = pl.col("user_id").is_null() | pl.col("item_id").is_null()
        raw = self._drop(
            "interactions_without_id", section, raw, no_id, "rows without user or item dropped"
        )
        raw = self._ratings(raw)
        raw = self._timestamps(raw)
        raw = self._splits(raw)
        unknown = raw.join(known, on="item_id", how="anti", maintain_order="left")
        if unknown.height == raw.height:
            raise RecfeatError(
                f"{self.tables[section].path}: none of its item ids (such as "
                f"{unknown['item_id'][0]!r}) is in {self.tables['items'].path}; do "
                f"[interactions] item and [items] id name the same kind of id?"
            )
        if unknown.height:
            self._note(
                "unknown_items", section, unknown, "interactions with items not in [items] dropped"
            )
            raw = raw.join(known, on="item_id", how="semi", maintain_order="left")
        return self._distinct(raw).select(INTERACTIONS.keys())

    def _ratings(self, raw: pl.DataFrame) -> pl.DataFrame:
        if "rating" not in raw.columns:
            return raw.with_columns(rating=pl.lit(None, dtype=pl.Float32))
        parsed = clean.number(raw["rating"])
        raw = self._drop_unparsable(raw, "rating", parsed, "a number")
        return raw.with_columns(pl.col("rating").cast(pl.Float32))

    def _timestamps(self, raw: pl.DataFrame) -> pl.DataFrame:
        if "timestamp" not in raw.columns:
            return raw.with_columns(timestamp=pl.lit(None, dtype=pl.Int64))
        parsed, unit = clean.seconds(raw["timestamp"])
        if unit:
            column = self.spec.columns["interactions"]["timestamp"]
            name = self.tables["interactions"].path.name
            message = f"{name}: {column!r} is in {unit}; converted to seconds"
            self.notes.append(Note("timestamp_unit", raw.height, message))
        outside = (parsed <= 0) | (parsed >= clean.MAX_TIMESTAMP)
        self._check_mostly_good(
            "interactions", "timestamp", raw, outside.fill_null(False), "between 1970 and 2100"
        )
        self._note(
            "timestamps_out_of_range",
            "interactions",
            raw.filter(outside),
            "timestamps outside 1970-2099 read as unknown",
        )
        raw = self._drop_unparsable(raw, "timestamp", parsed, "a time")
        valid = pl.col("timestamp").is_between(1, clean.MAX_TIMESTAMP - 1)
        return raw.with_columns(timestamp=pl.when(valid).then("timestamp"))

    def _drop_unparsable(
        self, raw: pl.DataFrame, name: str, parsed: pl.Series, problem: str
    ) -> pl.DataFrame:
        """Replace a column by its parsed values; rows that had one which does not parse go."""
        bad = clean.given(raw[name]) & parsed.is_null()
        self._check_mostly_good("interactions", name, raw, bad, problem)
        self._note(
            f"unparsable_{name}",
            "interactions",
            raw.filter(bad),
            f"rows whose {name} is not {problem} dropped",
        )
        return raw.with_columns(parsed.alias(name)).filter(~bad)

    def _splits(self, raw: pl.DataFrame) -> pl.DataFrame:
        if "split" not in raw.columns:
            return raw.with_columns(split=pl.lit(None, dtype=pl.String))
        split = clean.text(raw["split"]).str.to_lowercase()
        raw = raw.with_columns(split=split.set(~clean.given(split), None))
        wrong = raw.filter(~pl.col("split").is_in(SPLITS))
        if wrong.height:
            table = self.tables["interactions"]
            raise RecfeatError(
                f"{table.path}, {table.places([wrong[ROW][0]])[0]}, column "
                f"{self.spec.columns['interactions']['split']!r}: {wrong['split'][0]!r} is none of "
                "train, valid, test; rename it."
            )
        if raw["split"].null_count() == raw.height:
            return raw
        return self._drop(
            "interactions_without_split",
            "interactions",
            raw,
            pl.col("split").is_null(),
            "rows without split dropped",
        )

    def _distinct(self, raw: pl.DataFrame) -> pl.DataFrame:
        """One row per (user, item): the first by split, then unordered before timed, then time."""
        repeated = raw.select(pl.struct("user_id", "item_id").is_duplicated()).to_series()
        if not repeated.any():
            return raw
        rank = pl.col("split").replace_strict({s: i for i, s in enumerate(SPLITS)}, default=0)
        ordered = raw.filter(repeated).sort(rank, "timestamp", ROW, nulls_last=False)
        extra = ordered.filter(~pl.struct("user_id", "item_id").is_first_distinct()).sort(ROW)
        self._note(
            "repeated_interactions",
            "interactions",
            extra,
            "repeated (user, item) pairs dropped, the first kept",
        )
        return raw.join(extra.select(ROW), on=ROW, how="anti", maintain_order="left")

    # -- tags ----------------------------------------------------------------------------------

    def _tags(self, raw: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
        raw = raw.with_columns(tag=clean.text(raw["tag"]))
        empty = pl.col("item_id").is_null() | pl.col("tag").is_null()
        raw = self._drop("tags_without_id", "tags", raw, empty, "rows without item or tag dropped")
        if "relevance" in raw.columns:
            parsed = clean.number(raw["relevance"])
            bad = clean.given(raw["relevance"]) & parsed.is_null()
            self._check_mostly_good("tags", "relevance", raw, bad, "a number")
            self._note("unparsable_relevance", "tags", raw.filter(bad), "tag rows dropped")
            raw = raw.with_columns(relevance=parsed.fill_null(1.0)).filter(~bad)
        else:
            raw = raw.with_columns(relevance=pl.lit(1.0))
        unknown = raw.join(known, on="item_id", how="anti", maintain_order="left")
        self._note("tags_of_unknown_items", "tags", unknown, "tag rows of items not in [items]")
        return (
            raw.join(known, on="item_id", how="semi")
            .group_by("item_id", "tag")
            .agg(pl.col("relevance").max().cast(pl.Float32))
            .sort("item_id", "tag")
            .select(TAGS.keys())
        )
