"""What the report must know that no table holds: where things came from and with what they ran."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Note(BaseModel):
    """Something that reading or cutting the catalogue dropped or mended."""

    kind: str = Field(description="What happened, as an identifier: unparsable_row.")
    count: int = Field(description="How often.")
    message: str = Field("", description="One sentence for a person.")


class ArmNote(BaseModel):
    """What an arm declares of itself: columns of ``schemas.ARMS``."""

    model_config = ConfigDict(extra="ignore")

    title: str = ""
    role: str = Field("", description="floor, content, control, probe or baseline.")
    section: str = Field("", description="Where tables show it; empty: by the kind of its run.")
    family: str = Field("", description="The model family.")
    content: str = Field("", description="Its content sources, joined by +.")
    control: str | None = Field(None, description="What is done to the content.")
    prompt_version: str | None = Field(None, description="Of its scores; None: the promoted one.")
    draws: bool = Field(True, description="Whether another seed gives another model.")


class Chosen(BaseModel):
    """Settings of an arm that validation chose."""

    arm: str
    by: str = Field(description="--tune, or the family.")
    settings: dict[str, str] = Field(description="By name; several seeds' values in one text.")


class Estimate(BaseModel):
    """What `recfeat estimate` says of the whole corpus, as if nothing were answered yet."""

    model_config = ConfigDict(extra="ignore")

    model: str
    documents: int
    cost_usd: float | None = Field(None, description="None: the model has no known price.")
    cost_usd_batch: float | None = None
    hours: float = Field(description="With the settings' limits on calls in flight.")
    prices_as_of: str | None = None
    usd_per_hour: float | None = Field(None, description="Of a machine of one's own.")


class Provenance(BaseModel):
    """The report's context; every field may be missing, and what is missing is left out."""

    model_config = ConfigDict(extra="ignore")

    catalogue: str = Field("this catalogue", description="Name of the catalogue.")
    source: str = Field("", description="Where it was read from, as the user gave it.")
    synthetic: bool = Field(False, description="The embedded catalogue: generated, not real.")
    notes: list[Note] = Field(default_factory=list, description="What reading it dropped.")
    corpus: dict[str, Any] = Field(
        default_factory=dict, description="Counts of the corpus rules, in reading order."
    )
    prompt_version: str = Field("", description="The version the content arm used, with its hash.")
    circles: list[str] = Field(
        default_factory=list, description="Fields that spell the curated tags out, in sentences."
    )
    extraction_model: str = Field("", description="The model that scored the items.")
    backend: str = Field("", description="online, batch, batch-files or lexical.")
    used_llm: bool | None = Field(
        None, description="False for the lexical extractor; None: not known."
    )
    estimate: Estimate | None = Field(
        None, description="What extracting the whole corpus costs at today's prices."
    )
    taught: dict[str, float] = Field(
        default_factory=dict,
        description="Prompt versions that a student filled, by name: the share of items that a "
        "model scored.",
    )
    value_per_conversion: float | None = Field(
        None, description="Dollars that a conversion from a recommendation is worth to the user."
    )
    attributions: list[str] = Field(
        default_factory=list, description="What the sources of the text want shown."
    )
    skipped_arms: dict[str, str] = Field(
        default_factory=dict, description="Arms that were not run, each with its reason."
    )
    arms: dict[str, ArmNote] = Field(default_factory=dict, description="About each arm, by id.")
    stale: dict[str, list[int]] = Field(
        default_factory=dict, description="Seeds by arm whose inputs have changed since."
    )
    chosen: list[Chosen] = Field(
        default_factory=list, description="Settings that validation chose, by arm."
    )
    roles: dict[str, str | list[str]] = Field(
        default_factory=dict,
        description="Arm ids by role (floor, curated, llm: an id; controls: a list); "
        "what is not named is found from ops.runs.",
    )
    versions: dict[str, str] = Field(default_factory=dict, description="Package versions.")
    git_hash: str = Field("", description="Revision of recfeat_pipeline.")
    hashes: dict[str, str] = Field(default_factory=dict, description="Content hashes of inputs.")
    commands: list[str] = Field(
        default_factory=list, description="Commands that make this report again."
    )
    withheld: list[str] = Field(
        default_factory=list, description="Variables that were set, of which only the name is told."
    )
    by_command: bool | None = Field(
        None, description="Whether a command started the run; False: the UI; None: not known."
    )
    generated_at: str = Field("", description="When, as text.")

    @property
    def features(self) -> str:
        """What the extracted features are called: an LLM's only when one was used."""
        names = {True: "LLM features", False: "Lexical features", None: "Extracted features"}
        return names[self.used_llm]
