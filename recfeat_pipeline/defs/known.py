"""Which partitions there are: prompt versions that this lake asks, models that it trains.

Dagster lets anybody add a partition of any name. Those that mean nothing are removed again, so that
a typing error is neither offered nor counted as missing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from recfeat_pipeline.defs.extraction.followed import is_own
from recfeat_pipeline.defs.partitions import arm_and_seed, arm_seed_key, arm_seeds, versions
from recfeat_pipeline.defs.running import UNFINISHED
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.prompts import version_of_arm
from recfeat_pipeline.extraction.versions import OF_ITEMS, load_version
from recfeat_pipeline.lake import Lake


@dataclass(frozen=True)
class Changes:
    """Partition keys to add and to delete, by definition."""

    definition: dg.DynamicPartitionsDefinition
    add: list[str]
    delete: list[str]


def changed_partitions(
    lake: Lake, prompts: str | None, instance: dg.DagsterInstance, first: bool = False
) -> list[Changes]:
    """What the instance's partitions lack, and have too much, against files and lake.

    Args:
        lake: says what was asked and trained.
        prompts: the user's own versions (``RECFEAT_PROMPTS``).
        instance: holds the partitions.
        first: nobody has looked yet, so what is there may be of a release that registered every
            built-in version. Those that were never asked go; whoever adds one later means it.
    """
    found, version_test = [], asked_test(lake, prompts) if first else version_test_of(lake, prompts)
    for definition, offered, is_one in (
        (versions, _offered(lake, prompts), version_test),
        (arm_seeds, _trained(lake), _is_model),
    ):
        known = instance.get_dynamic_partitions(str(definition.name))
        add = [key for key in offered if key not in known]
        delete = [key for key in known if not is_one(key) and not _under_way(key, instance)]
        found.append(Changes(definition, add, delete))
    return found


def _under_way(key: str, instance: dg.DagsterInstance) -> bool:
    """Whether a run that is not over has this partition.

    It is to end with our sentence; of a partition that has gone Dagster says so with a traceback.
    """
    status = [dg.DagsterRunStatus.QUEUED, *UNFINISHED]
    runs = instance.get_runs(dg.RunsFilter(statuses=status))
    tags = [tag for run in runs for name, tag in run.tags.items() if "partition" in name]
    return any(key in (tag, *tag.split("|")) for tag in tags)


def keep_partitions(lake: Lake, prompts: str | None, instance: dg.DagsterInstance) -> None:
    """Add and delete what :func:`changed_partitions` says."""
    for change in changed_partitions(lake, prompts, instance):
        name = str(change.definition.name)
        instance.add_dynamic_partitions(name, change.add)
        for key in change.delete:
            instance.delete_dynamic_partition(name, key)


def _offered(lake: Lake, prompts: str | None) -> list[str]:
    """The promoted version; the user's own are registered when still.

    Not each that could be asked: "Materialize all" asks every version that is offered, for money.
    """
    own = version_of_arm(lake, None, prompts)
    return [own.key] if own else []


def version_test_of(lake: Lake, prompts: str | None) -> Callable[[str], bool]:
    """Whether a key is of a version that files or the lake's scores know."""
    held = _held(lake)

    def test(key: str) -> bool:
        try:
            return key in held or load_version(key, prompts).key == key
        except RecfeatError:  # nobody's, or being edited, which `recfeat prompts list` tells of
            return False

    return test


def asked_test(lake: Lake, prompts: str | None) -> Callable[[str], bool]:
    """Whether a key is of a version that this lake was asked or promotes, or is the user's own."""
    tried = {note["version"] for note in lake.note_keys("stopped")}
    asked = {*_held(lake), *tried, *_offered(lake, prompts)}
    is_version = version_test_of(lake, prompts)

    def test(key: str) -> bool:
        return key in asked or (is_own(key.partition("@")[0], prompts) and is_version(key))

    return test


def _held(lake: Lake) -> set[str]:
    """Keys of versions of which the lake holds scores, profiles or texts."""
    paths = ((table, path) for table in OF_ITEMS.values() for path in lake.table_paths(table))
    return {lake.keys_of(table, path)["version"] for table, path in paths}


def _trained(lake: Lake) -> list[str]:
    """Models that this lake holds."""
    keys = (arm_seed_key(run["arm"], int(run["seed"])) for run in lake.note_keys("made_from"))
    return [key for key in keys if _is_model(key)]


def _is_model(key: str) -> bool:
    try:
        arm_and_seed(key)
    except RecfeatError:
        return False
    return True
