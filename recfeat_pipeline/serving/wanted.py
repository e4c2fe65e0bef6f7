"""What may be wanted, by type and size: the HTTP and the MCP server ask for the same."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from recfeat_pipeline.serving.service import Filters

MOST_ITEMS, MOST_HISTORY, MOST_CHARACTERS = 500, 1000, 2000
Id = Annotated[str, Field(max_length=200)]
Words = Annotated[str, Field(max_length=MOST_CHARACTERS)]
Number = Annotated[int, Field(ge=1, le=MOST_ITEMS, description="How many items.")]
History = Annotated[
    list[Id],
    Field(description="Item ids, the newest last.", min_length=1, max_length=MOST_HISTORY),
]
Turns = Annotated[
    list[Words],
    Field(description="A later turn refines those before it.", min_length=1, max_length=20),
]


class Strict(BaseModel):
    """No other fields than these."""

    model_config = ConfigDict(extra="forbid")


class Rules(Strict):
    """Rules that every line of the list keeps."""

    genres: list[Words] = Field([], description="Any of them.", max_length=50)
    not_genres: list[Words] = Field([], description="None of them.", max_length=50)
    first_year: int | None = None
    last_year: int | None = None
    exclude: list[Id] = Field([], description="Item ids.", max_length=MOST_HISTORY)

    def filters(self) -> Filters:
        """As the service takes them."""
        return Filters(
            tuple(self.genres), tuple(self.not_genres), self.first_year, self.last_year,
            frozenset(self.exclude),
        )  # fmt: skip


class Wanted(Strict):
    """A history, and what is wanted for it."""

    history: History
    arm: Id | None = Field(None, description="A trained arm; unset: the first of /about.")
    k: Number = 10
    filters: Rules = Rules()
    explain: bool = Field(
        False,
        description="Say what moved each score most, where the arm can, and what the item shares "
        "with the history.",
    )
    rerank: bool = Field(False, description="Let an LLM order the best 30, if it answers in time.")


class Asked(Strict):
    """Words, a turn each."""

    turns: Turns
    k: Number = 10
    filters: Rules = Rules()
    read_by_llm: bool = Field(
        False, description="Let an LLM read the words, if it answers in time."
    )
