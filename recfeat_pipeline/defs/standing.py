"""Stages that `recfeat run` need not run again: all that they read and wrote is as they left it.

What a stage read and wrote is kept in the lake as one hash of contents, never of times, once it has
ended well. Another file of the catalogue, another setting, another release or a product that
somebody else wrote makes another hash, and the stage is run. Whether Dagster's history tells of it
the driver asks besides.
"""

import json
from functools import cache
from pathlib import Path

import recfeat_pipeline
from recfeat_pipeline.defs.catalog.stored import asked_catalog, may_change_unseen, source_files
from recfeat_pipeline.defs.text.scraping import sources_in_use
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.batches import OPEN, load_all
from recfeat_pipeline.freshness import files_hash, is_fresh, joint_hash, stamp, tables_hash
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import JOURNAL, fill
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.sql_models import evaluation_models, expected, load_models
from recfeat_pipeline.store import built, open_store, stamps, tables
from recfeat_pipeline.text.overrides import overrides_path

READS = {
    "text": ("items", "scored", "fields"),
    "extraction": ("items", "scored", "documents"),
}
"""Lake tables that a stage reads and leaves alone; the feature store's are its models' own."""
WRITES = {
    "catalog": (
        "catalog_items", "fields", "interactions", "tags", "item_ids", "items", "events", "scored",
        "examples", "added",
    ),
    "text": ("documents", "identity", "languages"),
    "extraction": (
        "responses", "scores", "scored_from", "dimensions", "profiles", "generated",
        "document_vectors",
    ),
}  # fmt: skip
NOTES_WRITTEN = {"catalog": ("catalog", "corpus")}
"""Notes of the lake that a stage writes beside its tables, and later ones read."""
ELSEWHERE = {"lake", "catalog", "split", "workers"}
"""Settings that make nothing another, or that a stage's own hash has, as the lake keeps them."""


class Standing:
    """What stages read and wrote when they were run last, against what is there now."""

    def __init__(self, lake: Lake, settings: Settings):
        self.lake, self.settings = lake, settings

    def reads(self, stage: str, *asked: str) -> str | None:
        """A hash of all that a stage would be made of; None: it must be run to be known.

        Args:
            stage: of ``defs/``.
            asked: what else it is told, in words.
        """
        of_stage = {
            "catalog": self._catalog,
            "text": self._text,
            "extraction": self._extraction,
            "feature_store": self._feature_store,
        }.get(stage)
        own = of_stage and of_stage()
        if own is None:
            return None
        read = tables_hash(self.lake, *READS.get(stage, ()))
        given = self.settings.model_dump_json(exclude=ELSEWHERE)  # keys are masked in it
        return joint_hash([code_hash(), given, own, read, *asked])

    def stands(self, stage: str, reads: str) -> bool:
        """Whether the stage was run with this, and what it wrote is there, whole, as it left it."""
        try:
            left = joint_hash([reads, self._wrote(stage)])
            if not is_fresh(self.lake, f"stage-{stage}", left):
                return False
            for table in WRITES.get(stage, ()):
                self.lake.check(self.lake.table_paths(table))
        except RecfeatError:  # damaged: the stage writes it again, or says what to do
            return False
        return True

    def keep(self, stage: str, reads: str) -> None:
        """Remember that the stage was run with this, and what it has left."""
        stamp(self.lake, f"stage-{stage}", joint_hash([reads, self._wrote(stage)]))

    def _catalog(self) -> str | None:
        path, split = asked_catalog(self.lake, self.settings)
        if may_change_unseen(path) or self.lake.has("left"):  # items leave after days
            return None
        return joint_hash([str(path), str(split), files_hash(source_files(path)), self._decided()])

    def _text(self) -> str | None:
        if sources_in_use(self.settings, self.lake):
            return None  # a source says itself which of its answers are due
        return joint_hash([files_hash([overrides_path(self.lake)]), self._decided()])

    def _decided(self) -> str:
        """What somebody has said about suspicious days."""
        return json.dumps(list(self.lake.notes("suspicious")))

    def _extraction(self) -> str | None:
        journal = Path(self.lake.state, fill(JOURNAL)).parent
        in_hand = any(file.stat().st_size for file in journal.glob("*.jsonl"))
        if self.settings.llm_retry_failed or self.settings.llm_batch or in_hand:
            return None
        if any(batch.status in OPEN for batch in load_all(self.lake)):  # it may be given up
            return None
        return ""

    def _feature_store(self) -> str:
        of_models = expected(self.lake)
        return joint_hash(f"{key} {of_models[key]}" for key in _early())

    def _wrote(self, stage: str) -> str:
        if stage != "feature_store":
            promoted = self.lake.meta.get("promoted") if stage == "extraction" else None
            notes = [repr(self.lake.read_note(name)) for name in NOTES_WRITTEN.get(stage, ())]
            return joint_hash([tables_hash(self.lake, *WRITES[stage]), str(promoted), *notes])
        if built(self.lake) is None:
            return ""
        with open_store(self.lake) as store:
            held, there = stamps(store), tables(store)
        return joint_hash(f"{key} {held.get(key)} {key in there}" for key in _early())


def _early() -> list[str]:
    """The feature store's models that are built before anything is trained."""
    models = load_models()
    late = evaluation_models(models)
    return [key for key in models if key not in late]


@cache
def code_hash() -> str:
    """A hash of the package: another release, or an edit, may make anything else of the same."""
    folder = Path(recfeat_pipeline.__file__).parent
    files = (path for path in folder.rglob("*") if "__pycache__" not in path.parts)
    return files_hash(sorted(path for path in files if path.is_file()))
