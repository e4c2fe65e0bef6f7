"""Unattended runs never buy a version, or its taxonomy, in the middle of an edit."""

import os
import time

from recfeat_pipeline.defs.extraction.followed import followed_versions
from recfeat_pipeline.extraction.prompts import new_version
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake

TAXONOMY = "name: books\ngroups:\n- {name: g, dimensions: [{name: long, gloss: many pages}]}\n"


def settle(folder):
    """As if nobody had touched a file for an hour."""
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - 3600,) * 2)


def test_an_edited_taxonomy_is_waited_for_like_an_edited_version(tmp_path):
    lake, folder = Lake(tmp_path / "lake"), tmp_path / "prompts"
    taxonomy = folder / "taxonomies" / "books.yaml"
    taxonomy.parent.mkdir(parents=True)
    taxonomy.write_text(TAXONOMY)
    new_version("books-v1", None, folder, "books")
    settle(folder)
    promoted = load_version("genome132-v1").key
    own = load_version("books-v1", folder).key
    assert followed_versions(lake, folder, still_for=60).keys == [promoted, own]
    taxonomy.write_text(TAXONOMY.replace("many", "a great many"))
    assert followed_versions(lake, folder, still_for=60).keys == [promoted]
    settle(folder)
    assert followed_versions(lake, folder, still_for=60).keys[1] not in (promoted, own)
    taxonomy.write_text("name: books\n")
    settle(folder)
    [trouble] = followed_versions(lake, folder, still_for=60).troubles
    assert "books.yaml: groups is empty" in trouble
