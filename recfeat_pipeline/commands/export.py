"""``recfeat export``: what the pipeline made of the items, as one file for another program."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from recfeat_pipeline.commands.options import VersionOption
from recfeat_pipeline.commands.output import plural, say
from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    import duckdb
    import polars as pl

    from recfeat_pipeline.lake import Lake
    from recfeat_pipeline.settings import Settings

KINDS = ("scores", "profiles", "trained", "examples", "interactions", "lists")
USERS, LENGTH = 1000, 20


def export(
    context: typer.Context,
    output: Annotated[
        Path,
        typer.Argument(
            metavar="[WHAT] FILE",
            help="What (unset: scores), and a .parquet or .csv file, which is replaced.",
        ),
    ],
    file: Annotated[Path | None, typer.Argument(hidden=True, help="After WHAT.")] = None,
    what: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT",
            help='"scores": a column per dimension; "profiles": text, tags and vector; "trained": '
            'an arm\'s item vectors; "examples" and "interactions": what another recommender is '
            'trained and ranked on; "lists": what an arm would show users now.',
        ),
    ] = None,
    prompt_version: VersionOption = None,
    arm: Annotated[
        str | None, typer.Option(metavar="ARM", help="With trained (unset: llm), and lists.")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="With trained and lists; unset: 0.")
    ] = None,
    users: Annotated[
        int | None,
        typer.Option(min=1, help=f"With lists: those active last; unset: {USERS}."),
    ] = None,
    length: Annotated[
        int | None, typer.Option(min=1, help=f"With lists: items of each; unset: {LENGTH}.")
    ] = None,
) -> None:
    """Write the features as one file, a row per item, for your own recommender to read.

    Dimensions come in the taxonomy's order; an item without scores has no row. A Parquet file says
    in its metadata what it was made from, and what the text's sources want shown with it; beside a
    CSV file that is FILE.attribution.txt. The file appears whole or not at all.

    Examples are those of validation and test: the context, the item chosen next, the times; what
    `recfeat rank import` takes ranks for are the test ones. Interactions are the corpus', marked by
    split: a recommender is trained on train.

    $ recfeat export features.parquet
    $ recfeat export examples examples.parquet
    $ recfeat export features.csv --prompt-version genome132-v1
    $ recfeat export vectors.parquet --what trained --arm hybrid_llm --seed 0
    $ recfeat export lists lists.parquet --arm ease --users 1000
    """
    from recfeat_pipeline.commands.explorer import arm_with_vectors
    from recfeat_pipeline.commands.features import open_features
    from recfeat_pipeline.commands.lakes import open_lake

    if str(output) in KINDS and what is None:
        what, output = str(output), file or Path(f"{output}.parquet")
    elif file is not None:
        raise RecfeatError(f"{output}: say what to export: {', '.join(KINDS)}.")
    what = what or "scores"
    if what not in KINDS:
        raise RecfeatError(f"--what {what!r}: choose {', '.join(KINDS[:-1])} or {KINDS[-1]}.")
    if output.suffix not in (".parquet", ".csv") or not output.absolute().parent.is_dir():
        raise RecfeatError(
            f"{output}: name a file that ends in .parquet or .csv, in a folder that exists."
        )
    if output.suffix == ".csv" and what not in ("scores", "interactions", "lists"):
        raise RecfeatError(f"A CSV file holds no lists: write {what} to a .parquet file.")
    if what == "trained" and prompt_version:
        raise RecfeatError("--prompt-version is of scores and profiles: name an arm with --arm.")
    if what not in ("trained", "lists") and (arm or seed is not None):
        raise RecfeatError("--arm and --seed need --what trained or lists.")
    if what != "lists" and (users or length):
        raise RecfeatError("--users and --length are of lists: `recfeat export lists FILE`.")
    settings = context.obj.settings
    lake = open_lake(settings)
    if what == "lists":
        frame, made_from = lists(lake, settings, arm, seed or 0, users or USERS, length or LENGTH)
        write(frame, output, about(lake, settings, made_from))
        n_users = frame["user_id"].n_unique()
        say(f"{plural(n_users, 'list')}, {made_from}: {output.resolve()}")
        return
    if what in ("examples", "interactions"):
        frame, made_from = interactions(lake) if what == "interactions" else examples(lake)
        write(frame, output, about(lake, settings, made_from))
        say(f"{plural(frame.height, what.removesuffix('s'))} {made_from}: {output.resolve()}")
        return
    with open_features(lake) as store:
        if what == "scores":
            frame, made_from = scores(store, lake, prompt_version)
        elif what == "profiles":
            frame, made_from = profiles(store, prompt_version)
        else:
            frame, made_from = item_vectors(store, lake, arm or arm_with_vectors(lake), seed or 0)
    write(frame, output, about(lake, settings, made_from))
    columns = f" × {frame.width - 1:,} dimensions" if what == "scores" else ""
    say(f"{plural(frame.height, 'item')}{columns}, {made_from}: {output.resolve()}")


def examples(lake: "Lake") -> "tuple[pl.DataFrame, str]":
    """Validation and reported examples with their histories, and what marks the reported ones.

    Raises:
        RecfeatError: there are none yet.
    """
    import polars as pl

    from recfeat_pipeline.commands.rank import examples_of
    from recfeat_pipeline.models.imported import with_histories

    asked = examples_of(lake)
    reported = asked.examples["split"][0]
    chosen = lake.read("examples").filter(pl.col("split").is_in(["valid", reported]))
    frame = with_histories(lake.read("events"), chosen, asked.items)
    return frame, f"of which {asked.examples.height:,} are {reported}, {asked.digest()}"


def interactions(lake: "Lake") -> "tuple[pl.DataFrame, str]":
    """``user_id, item_id, rating, timestamp, split, position`` of the corpus, in users' order."""
    from recfeat_pipeline.commands.rank import examples_of

    asked, events = examples_of(lake), lake.read("events")
    frame = events.with_columns(item_id=asked.items.gather(events["item_index"]))
    names = ("user_id", "item_id", "rating", "timestamp", "split", "position")
    return frame.select(names), f"of {frame['user_id'].n_unique():,} users"


def lists(
    lake: "Lake", settings: "Settings", name: str | None, seed: int, users: int, length: int
) -> "tuple[pl.DataFrame, str]":
    """``user_id, position, item_id``: what the arm would show users now; an LLM's are bought.

    Raises:
        RecfeatError: no arm is named, or it has no run.
    """
    from recfeat_pipeline.commands.driving import open_driver
    from recfeat_pipeline.models.arms import resolve_arms

    if name is None:
        raise RecfeatError("Name whose lists they are: --arm ARM (`recfeat arms`).")
    arm, *others = resolve_arms(name)
    if others:
        raise RecfeatError(f"--arm {name!r} names several arms: name one (`recfeat arms {name}`).")
    with open_driver(settings) as driver:
        driver.list_users(arm, seed, users, length)
    run = {"arm": arm.id, "seed": str(seed)}
    return lake.read("user_lists", **run).drop(*run), f"{arm.id}, seed {seed}"


def scores(
    store: "duckdb.DuckDBPyConnection", lake: "Lake", wanted: str | None
) -> "tuple[pl.DataFrame, str]":
    """``item_id`` and a float32 column per dimension, by item id; and who scored them."""
    import polars as pl

    from recfeat_pipeline.commands.features import stored_version

    version = stored_version(store, lake, wanted)
    names = lake.read("dimensions", version=version).sort("position")["dimension"].to_list()
    shards = []
    for part in lake.each("scores", version=version):
        rows = part.pivot("dimension", index="item_id", values="score")
        missing = [pl.lit(None, pl.Float32).alias(n) for n in names if n not in rows.columns]
        shards.append(rows.with_columns(missing).select("item_id", pl.col(names).cast(pl.Float32)))
    return pl.concat(shards).sort("item_id"), _scored_by(store, version)


def profiles(store: "duckdb.DuckDBPyConnection", wanted: str | None) -> "tuple[pl.DataFrame, str]":
    """``item_id, profile, tags, vector`` of the wanted version, else of the one made last.

    Raises:
        RecfeatError: there are no such profiles.
    """
    held = store.sql(
        "SELECT version, any_value(model) AS model FROM features.item_profiles "
        "GROUP BY version ORDER BY max(generated_at)"
    ).fetchall()
    found = [row for row in held if wanted in (None, row[0], row[0].partition("@")[0])]
    if not found:
        there = f"there are {', '.join(v for v, _ in held)}" if held else "there are none"
        raise RecfeatError(
            f"The feature store holds no profiles{f' of {wanted}' if wanted else ''}; {there}. "
            "Extract some with `recfeat backfill item-profile-v1`."
        )
    version, model = found[-1]
    query = """SELECT item_id, profile, tags, vector FROM features.item_profiles
               WHERE version = $version ORDER BY item_id"""
    return store.sql(query, params={"version": version}).pl(), f"{version}, written by {model}"


def item_vectors(
    store: "duckdb.DuckDBPyConnection", lake: "Lake", name: str, seed: int
) -> "tuple[pl.DataFrame, str]":
    """``item_id, vector``: the item tower's unit vectors, and what the arm was trained on.

    Raises:
        RecfeatError: the arm was not trained with this seed, or has no vectors.
    """
    from recfeat_pipeline.defs.training.judged import stale_runs
    from recfeat_pipeline.models.arms import resolve_arms

    arm, *others = resolve_arms(name)
    if others:
        raise RecfeatError(f"--arm {name!r} names several arms: name one (`recfeat arms {name}`).")
    run = {"arm": arm.id, "seed": str(seed)}
    vectors = lake.read("item_vectors", **run).drop(*run)
    if vectors.is_empty():
        raise RecfeatError(
            f"Arm {arm.id!r} with seed {seed} left no item vectors; `recfeat status` says what was "
            "trained, and only a trained arm has any."
        )
    version = lake.read_note("made_from", **run)["prompt_version"]
    features = f" on {_scored_by(store, version)}" if version else ""
    is_stale = seed in stale_runs(lake, store, arm.id).get(arm.id, [])
    stale = ", STALE (made from other inputs than the lake holds now)" if is_stale else ""
    return vectors, f"{arm.id}, seed {seed}, trained{features}{stale}"


def write(frame: "pl.DataFrame", output: Path, about: dict[str, str]) -> None:
    """Write the file beside its place, and move it there.

    Raises:
        RecfeatError: the place cannot be written to.
    """
    temporary = output.with_name(f".{output.name}.writing")
    try:
        if output.suffix == ".csv":
            if credit := about.get("attribution"):
                beside = output.with_name(f"{output.name}.attribution.txt")
                beside.write_text(credit + "\n", encoding="utf-8")
            frame.write_csv(temporary)
        else:
            frame.write_parquet(temporary, metadata={f"recfeat.{k}": v for k, v in about.items()})
        temporary.replace(output)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise RecfeatError(f"Cannot write {output}: {error.strerror or error}.") from error


def about(lake: "Lake", settings: "Settings", made_from: str) -> dict[str, str]:
    """What an exported file says of itself: catalogue, origin, and what text sources want shown."""
    from recfeat_pipeline.text.sources import attributions

    used = {
        source
        for part in lake.each("documents", ["fields"])
        for source in part["fields"].explode().struct.field("source").unique().drop_nulls()
    }
    credit = [line for name, line in attributions(settings.sources).items() if name in used]
    told = {"catalogue": str(lake.meta.get("name", "")), "made_from": made_from}
    return told | ({"attribution": "\n".join(credit)} if credit else {})


def _scored_by(store: "duckdb.DuckDBPyConnection", version: str) -> str:
    """``genome132-v1@…, scored by gpt-4.1-mini``; that no LLM did is said."""
    from recfeat_pipeline.extraction.types import is_lexical

    query = "SELECT DISTINCT model FROM features.item_features WHERE version = $version ORDER BY 1"
    models = [model for (model,) in store.sql(query, params={"version": version}).fetchall()]
    no_llm = " (no LLM)" if any(is_lexical(model) for model in models) else ""
    return f"{version}, scored by {', '.join(models)}{no_llm}"
