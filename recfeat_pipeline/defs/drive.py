"""``recfeat run``: the same assets as in the UI, driven stage by stage.

Every stage keeps what it has done, so a run that was killed is continued by running it again.
"""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import dagster as dg

from recfeat_pipeline.defs.executing import Execution, Training
from recfeat_pipeline.defs.partitions import (
    MAX_SEEDS,
    arm_seed_key,
    arm_seeds,
    range_tags,
    shards,
    versions,
)
from recfeat_pipeline.defs.resources import Reporter
from recfeat_pipeline.defs.running import end_abandoned
from recfeat_pipeline.defs.stages import STAGES
from recfeat_pipeline.defs.standing import WRITES, Standing
from recfeat_pipeline.defs.text.scraping import sources_in_use
from recfeat_pipeline.defs.training.inputs import load_data, report_split
from recfeat_pipeline.defs.training.judged import current_runs
from recfeat_pipeline.defs.training.tuned import SEED
from recfeat_pipeline.defs.workers import Workers, default_workers
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.prompts import arm_version
from recfeat_pipeline.extraction.versions import PromptVersion
from recfeat_pipeline.freshness import frame_hash
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.models.arms import Arm, pairs_from, rests_on
from recfeat_pipeline.settings import Settings
from recfeat_pipeline.store import built, open_store


@dataclass(frozen=True)
class Plan:
    """What to run."""

    version: PromptVersion | None  # to ask; None: nothing is asked
    arms: Sequence[Arm]
    seeds: Sequence[int]
    steps: int | None = None
    until: str = "evaluation"
    cold: bool = False  # also train each arm with some items held back

    def __post_init__(self) -> None:
        if self.until not in STAGES:
            raise RecfeatError(f"--until {self.until!r}: the stages are {', '.join(STAGES)}.")
        if outside := [seed for seed in self.seeds if not 0 <= seed < MAX_SEEDS]:
            raise RecfeatError(f"--seeds {outside[0]}: seeds run from 0 to {MAX_SEEDS - 1}.")

    @property
    def reordering(self) -> list[Arm]:
        """Arms that put another one's best in another order."""
        return [arm for arm in self.arms if arm.family.reorders]

    @property
    def fitted(self) -> list[Arm]:
        """The other arms, those that the reordering ones rest on among them."""
        below = [under for arm in self.arms for under in rests_on(arm)]
        asked = [arm for arm in self.arms if not arm.family.reorders]
        return list(dict.fromkeys([*asked, *below]))

    @property
    def asking(self) -> list[Arm]:
        """Arms whose order is asked for: of their own requests, or for pairs to learn from."""
        orders = [found for arm in self.arms if (found := pairs_from(arm)) is not None]
        return list(dict.fromkeys([*self.reordering, *orders]))

    def needs(self, table: str) -> list[Arm]:
        """Arms whose content is made from a lake table."""
        return [arm for arm in (*self.fitted, *self.asking) if table in arm.needs]

    def reads(self, version: PromptVersion, lake: Lake, prompts: str | None) -> bool:
        """Whether an arm reads a version's scores; those of a probe are of another version."""
        wanted = {arm.content.prompt_version for arm in self.needs("scores")}
        return version.name in {arm_version(lake, name, prompts) for name in wanted}

    def asks(self, stage: str) -> Iterator[str]:
        """What a stage is told by the plan, in words."""
        if stage == "extraction":
            yield self.version.key if self.version else ""
            if self.version and self.version.taxonomy:  # what its tags are is not in the key
                yield frame_hash(self.version.taxonomy.frame())
            yield from (table for table in WRITES[stage] if self.needs(table))


class Driver:
    """Drives stages over an :class:`Execution` in this process, and trainings over several."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance, reporter: Reporter):
        self.execution = Execution(settings, instance, reporter)
        self.settings, self.lake = settings, Lake(settings.lake)
        self.standing = Standing(self.lake, settings)
        self.instance, self.reporter = instance, reporter

    def run(self, plan: Plan, announce: Callable[[str, bool], None]) -> None:
        """Run the plan's stages in order, but those that stand as they are.

        ``announce`` is told of each, and whether it is run.
        """
        steps = {
            "catalog": self._whole,
            "text": self._text,
            "extraction": self._extraction,
            "feature_store": self._whole,
            "training": self._training,
            "evaluation": self._whole,
        }
        for stage in STAGES:
            reads = self.standing.reads(stage, *plan.asks(stage))
            stands = reads is not None and self.standing.stands(stage, reads)
            runs = not (stands and self._is_recorded(stage, plan))
            announce(stage, runs)
            if runs:
                steps[stage](stage, plan)
                if reads is not None:
                    self.standing.keep(stage, reads)
            if stage == plan.until:
                return

    def _is_recorded(self, stage: str, plan: Plan) -> bool:
        """Whether Dagster's history tells of the stage; it may be new, or a kill came before it."""
        assets = STAGES[stage][-1:] if stage == "text" else STAGES[stage]
        keys = {key for asset in assets for key in asset.keys}
        if stage == "extraction":
            asked = plan.version is not None and plan.version.asks == "scores"
            keys = {dg.AssetKey(["lake", "scores"])} if asked else set()
        entries = (record.asset_entry for record in self.instance.get_asset_records(list(keys)))
        return keys <= {entry.asset_key for entry in entries if entry.last_materialization_record}

    def _whole(self, stage: str, plan: Plan) -> None:
        self.execution.run(STAGES[stage])

    def _text(self, stage: str, plan: Plan) -> None:
        *sources, documents = STAGES[stage]
        in_use = sources_in_use(self.settings, self.lake)
        asked = [source for source in sources if source.key.path[-1] in in_use]
        for assets in (asked, [documents]):  # a run each: see events.report_partitions
            if assets:
                self.execution.run(assets, tags=range_tags(shards.get_partition_keys()))

    def extract(self, version: PromptVersion, of_shards: Sequence[str] = ()) -> None:
        """Extract with a version, one run per stretch of neighbouring shards; none means all."""
        self.instance.add_dynamic_partitions(str(versions.name), [version.key])
        for stretch in _stretches(shards.get_partition_keys(), of_shards):
            keys = [
                str(dg.MultiPartitionKey({"version": version.key, "shard": shard}))
                for shard in stretch
            ]
            self.execution.run(STAGES["extraction"][-1:], tags=range_tags(keys))

    def profile_users(self, version: PromptVersion) -> None:
        """Write the profiles of users that are due, in one run over all shards."""
        *_, profiles, _ = STAGES["extraction"]
        config = {"ops": {profiles.node_def.name: {"config": {"version": version.key}}}}
        tags = range_tags(shards.get_partition_keys())
        self.execution.run([profiles], tags=tags, run_config=config)

    def build_store(self) -> None:
        """Rebuild the feature store from the lake."""
        self.execution.run(STAGES["feature_store"])

    def list_users(self, arm: Arm, seed: int, users: int, length: int) -> None:
        """Make the lists that an arm would show users now."""
        *_, lists, _ = STAGES["training"]
        key = arm_seed_key(arm.id, seed)
        self.instance.add_dynamic_partitions(str(arm_seeds.name), [key])
        config = {"config": {"users": users, "length": length}}
        self.execution.run([lists], key, run_config={"ops": {lists.node_def.name: config}})

    def _extraction(self, stage: str, plan: Plan) -> None:
        for asset in STAGES[stage][:-1]:
            if plan.needs(asset.key.path[-1]):
                self.execution.run([asset], tags=range_tags(shards.get_partition_keys()))
        if plan.version is None:
            return
        self.extract(plan.version)
        if plan.version.taxonomy:
            self.lake.remember(promoted=plan.version.key)

    def _training(self, stage: str, plan: Plan) -> None:
        *_, augmented_pairs, _, reranked = STAGES[stage]
        models = list(arm_seed_pairs(plan))
        learning = [model for model in models if pairs_from(model[0]) is not None]
        self._fit(stage, plan, [model for model in models if pairs_from(model[0]) is None])
        tuned = bool(self.lake.meta.get("tune"))
        self._order(augmented_pairs, orders_read(learning, tuned))  # of models that are fitted now
        self._fit(stage, plan, learning)
        self._order(reranked, [(arm, plan.seeds[0]) for arm in plan.reordering])

    def _order(self, asset: dg.AssetsDefinition, models: Sequence[tuple[Arm, int]]) -> None:
        """Have candidates put in order, one run a model."""
        for arm, seed in models:
            key = arm_seed_key(arm.id, seed)
            self.instance.add_dynamic_partitions(str(arm_seeds.name), [key])
            self.execution.train(Training(asset.node_def.name, arm.id, seed, None))

    def _fit(self, stage: str, plan: Plan, pairs: Sequence[tuple[Arm, int]]) -> None:
        models = [self._due(plan, pairs)]  # of each asset
        if plan.cold and pairs:
            self._check_cold(plan.seeds)
            arms = list(dict.fromkeys(arm for arm, _ in pairs))  # a world each
            models.append([(arm, seed) for seed in plan.seeds for arm in arms])
        if not any(models):
            return
        trainings = [
            [Training(asset.node_def.name, arm.id, seed, plan.steps) for arm, seed in of_asset]
            for asset, of_asset in zip(STAGES[stage], models, strict=False)
        ]
        keys = [arm_seed_key(arm.id, seed) for of_asset in models for arm, seed in of_asset]
        self.instance.add_dynamic_partitions(str(arm_seeds.name), list(dict.fromkeys(keys)))
        n_events = self.lake.read_note("corpus")["events"]
        n = self.settings.workers or default_workers([arm for arm, _ in pairs], n_events)
        if n == 1:
            for training in itertools.chain(*trainings):
                self.execution.train(training)
            return
        try:
            with Workers(min(n, len(pairs)), self.settings) as workers:
                for of_asset in trainings:  # the second asset writes into folders of the first
                    workers.run(of_asset, self.reporter)
        finally:
            end_abandoned(self.lake, self.instance)

    def _due(self, plan: Plan, pairs: Sequence[tuple[Arm, int]]) -> Sequence[tuple[Arm, int]]:
        """Those whose model is not what would be trained: a run each would look at all of it."""
        if self.lake.meta.get("tune") or built(self.lake) is None:
            return pairs
        with open_store(self.lake) as store:
            current = current_runs(self.lake, store, pairs, plan.steps)
        recorded = self.instance.get_materialized_partitions(dg.AssetKey(["lake", "ranks"]))
        return [
            (arm, seed)
            for arm, seed in pairs
            if (arm.id, seed) not in current or arm_seed_key(arm.id, seed) not in recorded
        ]

    def _check_cold(self, seeds: Sequence[int]) -> None:
        """Whether someone chose each seed's held-back items: known before hours of training.

        Raises:
            RecfeatError: the catalogue is too small.
        """
        from recfeat_pipeline.models.cold_start import build_cold_world  # torch takes seconds

        data = load_data(self.lake)
        for seed in seeds:
            build_cold_world(data, seed, report_split=report_split(self.lake))


def arm_seed_pairs(plan: Plan) -> Iterator[tuple[Arm, int]]:
    """Every model to fit, seeds outermost, so that an interrupted run has whole seeds.

    A deterministic model is fitted once.
    """
    for seed in plan.seeds:
        for arm in plan.fitted:
            if arm.is_stochastic or seed == plan.seeds[0]:
                yield arm, seed


def orders_read(learning: Sequence[tuple[Arm, int]], tuned: bool) -> list[tuple[Arm, int]]:
    """The models that learn from an order, and of a tuned lake those that are searched besides."""
    searched = [(arm, SEED) for arm, _ in learning] if tuned else []
    return list(dict.fromkeys([*searched, *learning]))


def _stretches(known: Sequence[str], wanted: Sequence[str]) -> list[list[str]]:
    """The wanted names (all, when none are given) in lists of those that stand side by side."""
    stretches: list[list[str]] = []
    before = False
    for name in known:
        taken = not wanted or name in wanted
        if taken and before:
            stretches[-1].append(name)
        elif taken:
            stretches.append([name])
        before = taken
    return stretches
