"""A table's file as a plain local one: fetched from a URL, unpacked, and decoded to UTF-8.

What had to be made lies in a temporary folder that goes with the last :class:`Local` of it.
"""

import codecs
import gzip
import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import IO
from urllib.parse import urlsplit

import fsspec

from recfeat_pipeline.catalog.formats import kinds
from recfeat_pipeline.catalog.formats.delimited import SUFFIXES as TEXT
from recfeat_pipeline.catalog.formats.form import Form
from recfeat_pipeline.errors import RecfeatError, first_line
from recfeat_pipeline.settings import without_password

BLOCK = 1 << 22
Progress = Callable[[str, int, int], None]  # what, bytes done, bytes in all (0: unknown)


@dataclass(frozen=True)
class Local:
    """A file that can be opened, and where it came from."""

    path: Path
    name: str  # as a person knows it: the URL's or archive's last part
    folder: tempfile.TemporaryDirectory | None = field(default=None, compare=False)


def is_url(place: str) -> bool:
    """Whether a place is a URL rather than a path."""
    return "://" in place


def fetch(place: str, form: Form, what: str, progress: Progress | None = None) -> Local:
    """Make a place readable.

    Args:
        place: a path, or a URL that fsspec knows (``https://``, ``s3://``); ``.gz`` and ``.zip``
            are unpacked.
        form: whose encoding is undone, and whose ``table`` names one file of several in a ``.zip``.
        what: who asks, for errors.
        progress: is told of a download's bytes.

    Raises:
        RecfeatError: it cannot be fetched, unpacked or decoded.
    """
    local = _download(place, what, progress) if is_url(place) else Local(Path(place), place)
    if local.path.suffix.lower() == ".gz":
        local = _made(local, local.path.with_suffix("").name, what, lambda: _gunzip(local.path))
    elif local.path.suffix.lower() == ".zip":
        local = _unzip(local, form, what)
    if form.encoding and local.path.suffix.lower() in TEXT and not _is_utf8(form.encoding):
        local = _decode(local, form.encoding, what)
    return local


def tables_in(place: str) -> list[str | None]:
    """Names by which the tables of a local file are told apart; ``[None]`` where it is one.

    Raises:
        RecfeatError: it cannot be opened.
    """
    path, suffix = Path(place), plain_suffix(place)
    if suffix == ".zip":
        with _archive(Local(path, place), "") as archive:
            return list(_tables_of(archive))
    kind = kinds().get(suffix)
    if kind is None or not hasattr(kind, "tables"):
        return [None]
    local = fetch(place, Form(), "")
    return list(kind.tables(local.path))


def plain_suffix(place: str) -> str:
    """The suffix beneath ``.gz``; of an archive, its own."""
    name = PurePosixPath(urlsplit(place).path if is_url(place) else place)
    return (name.with_suffix("") if name.suffix.lower() == ".gz" else name).suffix.lower()


def _download(url: str, what: str, progress: Progress | None) -> Local:
    import aiohttp  # here, since the UI loads this module, and it takes a second

    shown, folder = without_password(url), tempfile.TemporaryDirectory(prefix="recfeat-")
    path = Path(folder.name) / PurePosixPath(urlsplit(url).path).name
    try:
        streamed = {"block_size": 0} if url.startswith(("http://", "https://")) else {}
        with fsspec.open(url, "rb", **streamed) as source, open(path, "wb") as target:
            answer = getattr(source, "r", None)  # of a web server
            size = getattr(source, "size", None) or getattr(answer, "content_length", None) or 0
            done = 0
            while block := source.read(BLOCK):
                target.write(block)
                done += len(block)
                if progress:
                    progress(path.name, done, size)
    except ImportError as error:
        raise RecfeatError(
            f"{what}: {shown} needs a further package ({first_line(error)}); for s3:// pip install "
            "'recfeat_pipeline[s3]', or fetch the file and name it by its path."
        ) from error
    except (OSError, ValueError, RuntimeError, aiohttp.ClientError) as error:
        # fsspec says of most troubles that the file is not found, and keeps what happened beneath.
        beneath = error.__cause__ if str(error) == url else error
        why = first_line(beneath) if isinstance(beneath, Exception) else "there is no such file"
        why = why or type(beneath).__name__
        raise RecfeatError(
            f"{what}: {shown} cannot be fetched ({why.replace(url, shown)}); check the address and "
            "your access, or fetch the file and name it by its path."
        ) from error
    return Local(path, path.name, folder)


def _made(source: Local, name: str, what: str, open_it: Callable[[], IO[bytes]]) -> Local:
    folder = tempfile.TemporaryDirectory(prefix="recfeat-")
    path = Path(folder.name) / name
    try:
        with open_it() as packed, open(path, "wb") as plain:
            shutil.copyfileobj(packed, plain, BLOCK)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError) as error:
        raise RecfeatError(
            f"{what}: {source.name} cannot be unpacked ({first_line(error)}); was it copied whole?"
        ) from error
    return Local(path, f"{PurePosixPath(source.name).name}/{name}", folder)


def _gunzip(path: Path) -> IO[bytes]:
    return gzip.open(path, "rb")  # type: ignore[return-value]


def _unzip(source: Local, form: Form, what: str) -> Local:
    with _archive(source, what) as archive:
        tables = _tables_of(archive)
        named = [n for n in tables if form.table in (n, PurePosixPath(n).name)]
        chosen = named if form.table else tables
        if len(chosen) != 1:
            raise RecfeatError(
                f"{what}: {source.name} holds {len(tables)} tables; name one of "
                f'{", ".join(tables) or "(none)"} with table = "…".'
            )
        name = PurePosixPath(chosen[0]).name
        return _made(source, name, what, lambda: archive.open(chosen[0]))


def _archive(source: Local, what: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(source.path)
    except (OSError, zipfile.BadZipFile) as error:
        raise RecfeatError(
            f"{what}: {source.name} cannot be unpacked ({first_line(error)}); was it copied whole?"
        ) from error


def _tables_of(archive: zipfile.ZipFile) -> list[str]:
    known = kinds()
    return [name for name in archive.namelist() if PurePosixPath(name).suffix.lower() in known]


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")


def _decode(source: Local, encoding: str, what: str) -> Local:
    folder = tempfile.TemporaryDirectory(prefix="recfeat-")
    path, n_lines = Path(folder.name) / source.path.name, 0
    try:
        with (
            open(source.path, encoding=encoding, newline="") as coded,
            open(path, "w", encoding="utf-8", newline="") as plain,
        ):
            for text in coded:
                plain.write(text)
                n_lines += 1
    except UnicodeError as error:
        raise RecfeatError(
            f"{what}: {source.name}, line {n_lines + 1}: this is not {encoding} text; "
            "name another encoding."
        ) from error
    return Local(path, source.name, folder)
