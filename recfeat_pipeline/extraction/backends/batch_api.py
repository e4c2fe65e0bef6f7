"""The OpenAI Batch API as a transport: files, batches, results."""

import json
import tempfile
from collections.abc import Callable, Iterator
from typing import Any

import openai

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.backends.batch_collect import UnknownBatchError
from recfeat_pipeline.extraction.backends.secret import Secret
from recfeat_pipeline.extraction.backends.trouble import explain
from recfeat_pipeline.extraction.batches import Batch
from recfeat_pipeline.extraction.types import ItemError, RejectedError, TransientError
from recfeat_pipeline.settings import without_password

MARK = "recfeat"  # metadata key that finds a batch again when its id was lost in a crash
DONE = {"completed", "expired", "cancelled"}


class BatchApi:
    """Hands batches to an endpoint's Batch API and fetches their results.

    Args:
        base_url: the endpoint; None is OpenAI's own.
        api_key: its key.
        timeout_s: of one request.
    """

    name = "batch"

    def __init__(self, base_url: str | None, api_key: str | None, timeout_s: float = 300.0):
        self.secret = Secret(api_key)
        self.client = openai.OpenAI(
            api_key=self.secret.reveal(),
            base_url=base_url,
            max_retries=2,
            timeout=timeout_s,
            http_client=openai.DefaultHttpxClient(follow_redirects=False),
        )
        self.base_url = without_password(str(self.client.base_url))

    def hand_over(self, batch: Batch, lines: Iterator[bytes], saved: Callable[..., Batch]) -> Batch:
        """Upload the file and start the batch; a batch that was started already is found."""
        if batch.status == "uploaded" and (batch_id := self._started(batch)):
            return saved(status="submitted", batch_id=batch_id)
        if batch.file_id is None:
            with tempfile.TemporaryFile() as file:
                file.writelines(lines)
                file.seek(0)
                uploaded = self._call(
                    batch,
                    lambda: self.client.files.create(
                        file=(f"{batch.name}.jsonl", file), purpose="batch"
                    ),
                )
            batch = saved(status="uploaded", file_id=uploaded.id)
        started = self._call(
            batch,
            lambda: self.client.batches.create(
                input_file_id=batch.file_id or "",
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={MARK: batch.name},
            ),
        )
        return saved(status="submitted", batch_id=started.id)

    def fetch(self, batch: Batch) -> tuple[str, list[dict[str, Any]], str | None]:
        """How the batch stands, and its results when it has ended; output and error files alike."""
        state = self._call(
            batch, lambda: self.client.batches.retrieve(batch.batch_id or ""), known=True
        )
        if state.status == "failed":
            errors = state.errors.data if state.errors and state.errors.data else []
            text = "; ".join(str(e.message) for e in errors) or "the endpoint gives no reason"
            return "rejected", [], self.secret.brief(text)
        if state.status not in DONE:
            return "open", [], None
        entries: list[dict[str, Any]] = []
        for file_id in (state.output_file_id, state.error_file_id):
            if file_id:
                entries += self._entries(batch, file_id)
        return "done", entries, None

    def _entries(self, batch: Batch, file_id: str) -> list[dict[str, Any]]:
        data = self._call(batch, lambda: self.client.files.content(file_id)).content
        return read_lines(self.secret.hide(data.decode("utf-8", "replace")))

    def _started(self, batch: Batch) -> str | None:
        """The id of the batch that a dead process started without writing down."""
        page = self._call(batch, lambda: self.client.batches.list(limit=100))
        for other in page:
            if (other.metadata or {}).get(MARK) == batch.name:
                return other.id
        return None

    def _call(self, batch: Batch, request: Callable[[], Any], known: bool = False) -> Any:
        """Do it; ``known``: of a batch that the endpoint was given before."""
        try:
            return request()
        except openai.APIStatusError as error:
            if known and error.status_code in (403, 404):
                raise UnknownBatchError from None
            response = (error.status_code, error.response.headers, error.body)
            why = explain(*response, self.base_url, batch.model, self.secret)
            if isinstance(why, ItemError | RejectedError):
                why = RecfeatError(
                    f"The endpoint {self.base_url} refuses the batch {batch.name} ({why}). Does it "
                    "have a Batch API? If not, use the backend 'online' or 'batch-files'."
                )
            if isinstance(why, TransientError) and why.exhausted:  # the client has asked again
                why = why.exhausted
            raise why from None
        except (openai.APIConnectionError, openai.APITimeoutError):
            raise TransientError(f"no connection to {self.base_url}") from None


def read_lines(text: str) -> list[dict[str, Any]]:
    """The JSON objects of a JSONL text; a line that is not one counts as missing."""
    entries = []
    for line in text.split("\n"):
        try:
            entry = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(entry, dict):
            entries.append(entry)
    return entries
