"""``shared://FOLDER``: a folder that behaves as an object store does, for several processes.

A put is whole or not there, one with ``mode="create"`` succeeds for one of several, and folders
come and go with their files. To the code under test it is no folder, but a URL as ``s3://`` is.
"""

import os
import uuid
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem


class SharedStore(LocalFileSystem):
    """What fsspec opens for ``shared://``."""

    protocol = "shared"

    def __init__(self, **options: Any):
        super().__init__(auto_mkdir=True, **options)

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return super()._strip_protocol(str(path).removeprefix("shared://"))

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **options: Any) -> None:
        """One put."""
        place = Path(self._strip_protocol(path))
        place.parent.mkdir(parents=True, exist_ok=True)
        arriving = place.with_name(f".{uuid.uuid4().hex}")
        arriving.write_bytes(value)
        try:
            if mode == "create":
                os.link(arriving, place)
            else:
                arriving.replace(place)
        finally:
            arriving.unlink(missing_ok=True)

    def put_file(self, lpath: str, rpath: str, *_: Any, **options: Any) -> None:
        """One put, of a file."""
        self.pipe_file(rpath, Path(lpath).read_bytes())


fsspec.register_implementation("shared", SharedStore, clobber=True)
