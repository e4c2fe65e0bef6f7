"""Probes of films that nobody asked of another domain are no gap in its report."""

import dataclasses

import polars as pl

from recfeat_pipeline.report.sections.probes import probes


def named(section):
    return [] if section is None else [row[0] for row in section.blocks[1].rows]


def test_a_probe_that_was_not_run_is_told_of_films_alone(read):
    films = read()
    assert "genome132-first-100" in named(probes(films))  # not run
    other = films.taxonomies.with_columns(taxonomy=pl.lit("products_starter"))
    shop = dataclasses.replace(films, taxonomies=other)
    assert "genome132-first-100" not in named(probes(shop))
    assert "genome132-first-300" in named(probes(shop))  # run all the same
    none_ran = films.probes.with_columns(
        arm=pl.col("arm").replace("v1", "llm"),
        status=pl.when(arm="v1").then(pl.lit("run")).otherwise(pl.lit("not run: no scores")),
    )
    assert probes(dataclasses.replace(shop, probes=none_ran)) is None
    assert len(named(probes(dataclasses.replace(films, probes=none_ran)))) == films.probes.height
