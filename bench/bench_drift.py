"""Several groups of dimensions in one call: what it does to the scores of a real model.

The same items are asked of one endpoint group by group, with three groups a call, with all six in
one, and group by group once more with another seed, which says how far answers differ anyhow.
Repeat it with the model and the catalogue that you mean to use; it costs what those calls cost::

    python -m bench drift --endpoint URL --model NAME [--catalog FILE] [--items 16] [--folder DIR]

Agreement is that of :func:`~recfeat_pipeline.extraction.reliability.agreement` with the scores that
were asked group by group. ``--folder`` keeps the answers, so that nothing is bought twice and more
items can be asked later. ``--groups 3 --dimensions 6`` asks less of a small machine: so many groups
of the taxonomy, so many dimensions of each, one by one and in one call, about shorter documents.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import polars as pl

from recfeat_pipeline.commands.estimate import find_ground
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction import PromptVersion, load_version
from recfeat_pipeline.extraction.engine import choose_backend, limits_of
from recfeat_pipeline.extraction.pilot import Asked, ask, draw
from recfeat_pipeline.extraction.reliability import agreement, drift, drift_slope, retest_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.taxonomy import load_taxonomy
from recfeat_pipeline.taxonomy.write import new_file, write_taxonomy

SHIPPED = ("genome132-v1", "genome132-two-calls", "genome132-one-call")
FEW = """\
name = "{name}"
extends = "genome132-v1"
taxonomy = "few"
groups_per_call = {per_call}
[document]
characters = 600
"""


def run(arguments: Sequence[str] = ()) -> list[dict]:
    parser = argparse.ArgumentParser(prog="python -m bench drift")
    parser.add_argument("--endpoint", help="base URL; its key is read from OPENAI_API_KEY")
    parser.add_argument("--model")
    parser.add_argument("--catalog", help="catalogue file; unset: the embedded one")
    parser.add_argument("--items", type=int, default=16)
    parser.add_argument("--folder", help="a lake to keep the answers in")
    parser.add_argument("--no-retest", action="store_true", help="nothing is asked twice")
    parser.add_argument("--groups", type=int, help="only so many; unset: all, as shipped")
    parser.add_argument("--dimensions", type=int, default=6, help="of each of these groups")
    given = parser.parse_args(arguments)
    if given.endpoint is None:
        return [{"name": "no --endpoint", "value": 0, "unit": "calls", "against": "–"}]
    settings = Settings().but(
        llm_base_url=given.endpoint, llm_model=given.model, catalog=given.catalog
    )
    with tempfile.TemporaryDirectory() as folder:
        one_by_one, *together = _versions(given, Path(folder))
        lake = Lake(given.folder or folder)
        documents = find_ground(lake, settings).documents
        drawn = draw(documents, given.items).with_columns(shard=pl.lit("00"))
        retest = [] if given.no_retest else [retest_version(one_by_one)]
        return list(_measure(lake, drawn, [one_by_one, *together, *retest], settings))


def _versions(given: argparse.Namespace, folder: Path) -> list[PromptVersion]:
    """One by one, then together."""
    if given.groups is None:
        return [load_version(name) for name in SHIPPED]
    whole = load_taxonomy("genome132")
    groups = [replace(g, dimensions=g.dimensions[: given.dimensions]) for g in whole.groups]
    few = replace(whole, name="few", groups=tuple(groups[: given.groups]))
    write_taxonomy(few, new_file("few", folder))
    for name, per_call in (("few-one-by-one", 1), ("few-in-one-call", given.groups)):
        (folder / name).mkdir()
        (folder / name / "version.toml").write_text(FEW.format(name=name, per_call=per_call))
    return [load_version(name, folder) for name in ("few-one-by-one", "few-in-one-call")]


def _measure(
    lake: Lake, items: pl.DataFrame, versions: list[PromptVersion], settings: Settings
) -> Iterator[dict]:
    first = None
    for version in versions:
        limits = limits_of(settings)
        backend = choose_backend(settings, version, limits)
        try:
            asked = ask(lake, items, version, backend, limits=limits)
        except RecfeatError as error:  # a model that gives no valid answers to such calls
            yield _row(f"{version.name}: ended early", 0, "–", str(error))
            continue
        yield from _rows(version, asked, items.height)
        if first is None:
            first = asked
            continue
        yield from _agreement(version.name, versions[0].name, first.scores, asked.scores)


def _rows(version: PromptVersion, asked: Asked, n: int) -> Iterator[dict]:
    rows, name = asked.rows, version.name
    valid = rows.filter(status="ok").height
    why = ", ".join(f"{count} {reason}" for reason, count in asked.summary.reasons.items())
    took = f"{rows['attempts'].mean():.2f} asks a call{'; ' + why if why else ''}"
    yield _row(f"{name}: valid calls", valid / rows.height, "×", f"{rows.height} calls; {took}")
    for column in ("prompt_tokens", "completion_tokens"):
        yield _row(f"{name}: {column}", rows[column].sum() / n, "an item", f"{n} items")
    yield _row(f"{name}: seconds", rows["latency_ms"].sum() / 1e3 / n, "an item", "as answered")
    if asked.scores.height:
        calls = [list(q.schema["properties"]["scores"]["properties"]) for q in version.questions]
        slopes = [drift_slope(drift(asked.scores, order).drop_nulls()) for order in calls]
        slide = sum(slopes) / len(slopes)
        yield _row(f"{name}: slide to 0.5", slide, "of scores", "last dimension − first")


def _agreement(name: str, before: str, first: pl.DataFrame, other: pl.DataFrame) -> Iterator[dict]:
    both = first.join(other, on=["item_id", "dimension"], suffix="_other")
    if both.is_empty():
        return
    table = agreement(first, other)
    against = f"{before}, {both['item_id'].n_unique()} items, {table.height} dimensions"
    r = both.select(pl.corr("score", "score_other")).item()
    for what, value, unit in (
        ("scores alike", r, "r"),
        ("a dimension's scores alike", table["pearson_r"].median(), "median r"),
        ("apart", table["mean_abs_difference"].mean(), "mean |difference|"),
        ("within 0.05", table["share_equal"].mean(), "of scores"),
    ):
        yield _row(f"{name}: {what}", value if value is not None else float("nan"), unit, against)


def _row(name: str, value: float, unit: str, against: str) -> dict:
    return {"name": name, "value": float(value), "unit": unit, "against": against}
