"""Files as a transport: write the JSONL here, run it anywhere, put the result beside it.

``<folder>/<name>.jsonl`` is the input of ``vllm run-batch -i <name>.jsonl -o <name>.out.jsonl``,
and of whatever else reads OpenAI's batch format. The result is collected when
``<folder>/<name>.out.jsonl`` is there with a line for every call, or ``<name>.done`` beside it
says that no more will come.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.backends.batch_api import read_lines
from recfeat_pipeline.extraction.batches import Batch


class BatchFiles:
    """Hands batches over as files in a folder, and reads what was put beside them."""

    name = "batch-files"
    base_url = None

    def __init__(self, folder: str | Path):
        self.folder = Path(folder).expanduser()

    def hand_over(self, batch: Batch, lines: Iterator[bytes], saved: Callable[..., Batch]) -> Batch:
        """Write the batch's file; it appears whole.

        Raises:
            RecfeatError: it cannot be written.
        """
        path = self.folder / f"{batch.name}.jsonl"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = path.with_suffix(".tmp")
            with temporary.open("wb") as file:
                file.writelines(lines)
            os.replace(temporary, path)
        except OSError as error:
            raise RecfeatError(
                f"Cannot write the batch file {path}: {error.strerror or error}. Check the folder "
                "and run again."
            ) from error
        return saved(status="submitted")

    def fetch(self, batch: Batch) -> tuple[str, list[dict[str, Any]], str | None]:
        """The results, once every call has its line or someone says that no more will come."""
        path = self.folder / f"{batch.name}.out.jsonl"
        if not path.is_file():
            return "open", [], None
        entries = read_lines(path.read_bytes().decode("utf-8", "replace"))
        ended = (self.folder / f"{batch.name}.done").exists()
        answered = len({entry.get("custom_id") for entry in entries})
        if answered < batch.n_calls and not ended:
            return "open", [], None
        return "done", entries, None
