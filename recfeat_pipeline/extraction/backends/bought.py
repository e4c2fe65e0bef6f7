"""Without an endpoint: the answers that a model was paid for earlier, and nothing else."""

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.types import Answer, Request


class BoughtBackend:
    """Stands in for a model whose endpoint is not configured in this process.

    Its model is part of every key, so whatever the ledger holds is found; the first call that it
    does not hold ends the run with a sentence. Falling back to the embedded extractor instead would
    replace paid features by lexical ones without a word.
    """

    name = "bought"
    instant = True
    endpoint = None

    def __init__(self, model: str):
        self.model = model

    async def ask(self, request: Request, attempt: int, reminder: str | None) -> Answer:
        """Refuse: nothing can be bought here.

        Raises:
            RecfeatError: always, with what to set.
        """
        raise RecfeatError(
            f"Item {request.item_id} has no {request.question.group!r} answer of {self.model} in "
            f"the ledger, and no endpoint is configured to buy it: set RECFEAT_LLM_BASE_URL or "
            "RECFEAT_LLM_API_KEY and run again."
        )

    def of_model(self, model: str) -> "BoughtBackend":
        """See :class:`Backend`."""
        return BoughtBackend(model)

    async def close(self) -> None:
        """Nothing to give back."""
