"""The Files and Batches API of the loopback server."""

import json
import random
import re
import time
import uuid
from collections.abc import Callable
from typing import Any

from recfeat_pipeline_tests.servers.async_http import Call, Reply
from recfeat_pipeline_tests.servers.openai_faults import error_reply

MAX_REQUESTS, MAX_BYTES = 50_000, 200_000_000


class Batches:
    """Files and batches in memory.

    A batch is worked through when it is asked for ``polls_needed`` times; ``lose`` entries are
    missing from its files, ``fail`` ones stand in the error file, ``expire_after`` entries are done
    before it expires.
    """

    def __init__(self, complete: Callable[[dict], tuple[int, dict]]):
        self.complete = complete
        self.files: dict[str, tuple[str, bytes]] = {}
        self.batches: dict[str, dict[str, Any]] = {}
        self.polls_needed = 1
        self.lose: Callable[[str], bool] = lambda custom_id: False
        self.fail: Callable[[str], bool] = lambda custom_id: False
        self.expire_after: int | None = None
        self.reject: str | None = None  # validation error of every new batch

    def reply(self, call: Call) -> Reply | None:
        """None: not one of these paths."""
        routes = (
            ("POST", r"/v1/files", self._upload),
            ("GET", r"/v1/files/([^/]+)/content", self._content),
            ("GET", r"/v1/files/([^/]+)", self._file),
            ("POST", r"/v1/batches", self._create),
            ("GET", r"/v1/batches", self._list),
            ("GET", r"/v1/batches/([^/]+)", self._get),
            ("POST", r"/v1/batches/([^/]+)/cancel", self._cancel),
        )
        for method, pattern, handler in routes:
            match = re.fullmatch(pattern, call.path)
            if match and method == call.method:
                try:
                    return handler(call, *match.groups())
                except KeyError:
                    return error_reply(404, "not_found", f"No such object: {call.path}")
        return None

    def _upload(self, call: Call) -> Reply:
        boundary = call.headers["content-type"].split("boundary=")[1].strip('"')
        fields: dict[str, bytes] = {}
        for part in call.body.split(b"--" + boundary.encode())[1:-1]:
            head, _, data = part.strip(b"\r\n").partition(b"\r\n\r\n")
            name = re.search(rb'name="([^"]+)"', head)
            if name:
                fields[name[1].decode()] = data
        if len(fields["file"]) > MAX_BYTES:
            return error_reply(413, "file_too_large", "The file is larger than 200 MB")
        file_id = f"file-{len(self.files)}"
        self.files[file_id] = (fields["purpose"].decode(), fields["file"])
        return Reply(self._file_body(file_id))

    def _file_body(self, file_id: str) -> dict[str, Any]:
        purpose, data = self.files[file_id]
        return {
            "id": file_id, "object": "file", "bytes": len(data), "created_at": int(time.time()),
            "filename": "batch.jsonl", "purpose": purpose, "status": "processed",
        }  # fmt: skip

    def _file(self, call: Call, file_id: str) -> Reply:
        return Reply(self._file_body(file_id))

    def _content(self, call: Call, file_id: str) -> Reply:
        return Reply(self.files[file_id][1], headers={"Content-Type": "application/octet-stream"})

    def _create(self, call: Call) -> Reply:
        asked = call.json()
        self.files[asked["input_file_id"]]
        batch_id = f"batch-{uuid.uuid4().hex}"
        self.batches[batch_id] = {
            "id": batch_id, "object": "batch", "endpoint": asked["endpoint"], "errors": None,
            "input_file_id": asked["input_file_id"], "completion_window": "24h",
            "status": "validating", "output_file_id": None, "error_file_id": None,
            "created_at": int(time.time()), "metadata": asked.get("metadata"),
            "request_counts": {"total": 0, "completed": 0, "failed": 0},
        }  # fmt: skip
        self._polls = getattr(self, "_polls", {})
        self._polls[batch_id] = 0
        return Reply(self.batches[batch_id])

    def _list(self, call: Call) -> Reply:
        data = list(self.batches.values())[::-1]
        return Reply({"object": "list", "data": data, "has_more": False})

    def _get(self, call: Call, batch_id: str) -> Reply:
        batch = self.batches[batch_id]
        self._polls[batch_id] += 1
        if batch["status"] in ("validating", "in_progress"):
            batch["status"] = "in_progress"
            if self.reject:
                batch["status"] = "failed"
                batch["errors"] = {
                    "object": "list",
                    "data": [{"code": "invalid", "message": self.reject}],
                }
            elif self._polls[batch_id] >= self.polls_needed:
                self._finish(batch)
        return Reply(batch)

    def _cancel(self, call: Call, batch_id: str) -> Reply:
        self.batches[batch_id]["status"] = "cancelled"
        return Reply(self.batches[batch_id])

    def _finish(self, batch: dict[str, Any]) -> None:
        lines = [json.loads(line) for line in self.files[batch["input_file_id"]][1].splitlines()]
        done, failed = [], []
        for n, line in enumerate(lines):
            custom_id = line["custom_id"]
            entry = {
                "id": f"batch_req_{n}",
                "custom_id": custom_id,
                "response": None,
                "error": None,
            }
            if self.expire_after is not None and n >= self.expire_after:
                entry["error"] = {"code": "batch_expired", "message": "Not executed in time"}
                failed.append(entry)
            elif self.lose(custom_id):
                continue
            else:
                status, body = (500, {}) if self.fail(custom_id) else self.complete(line["body"])
                entry["response"] = {"status_code": status, "request_id": f"r{n}", "body": body}
                (done if status == 200 else failed).append(entry)
        random.Random(len(lines)).shuffle(done)  # output order is not kept
        batch["status"] = "completed" if self.expire_after is None else "expired"
        batch["request_counts"] = {
            "total": len(lines), "completed": len(done), "failed": len(failed),
        }  # fmt: skip
        for key, entries in (("output_file_id", done), ("error_file_id", failed)):
            if entries:
                file_id = f"file-{len(self.files)}"
                data = "\n".join(json.dumps(entry) for entry in entries)
                self.files[file_id] = ("batch_output", data.encode())
                batch[key] = file_id
