"""Download a MovieLens release: resumable, checksummed, unpacked whole or not at all."""

import hashlib
import re
import shutil
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import httpx

from recfeat_pipeline.catalog.movielens import is_grouplens
from recfeat_pipeline.errors import RecfeatError

BASE_URL = "https://files.grouplens.org/datasets/movielens"
RELEASES = ("ml-latest-small", "ml-20m", "ml-25m", "ml-32m", "ml-latest")
ATTEMPTS = 5  # connections in a row that bring nothing before giving up

Progress = Callable[[int, int], None]


def download(
    name: str,
    folder: Path,
    base_url: str = BASE_URL,
    progress: Progress | None = None,
    pause: float = 1.0,
) -> Path:
    """Download ``<base_url>/<name>.zip`` and unpack it to ``folder/name``; returns that folder.

    An interrupted download continues where it stopped (``<name>.zip.part``), also in another
    process. A release that is already there is left alone.

    Args:
        name: one of :data:`RELEASES`.
        folder: where to put it.
        base_url: of the server.
        progress: called with (bytes so far, bytes in all).
        pause: seconds before the first retry; doubles after each.

    Raises:
        RecfeatError: unknown release, server unreachable, checksum or archive wrong, disk full.
    """
    if name not in RELEASES:
        raise RecfeatError(f"There is no release {name!r}; choose one of {', '.join(RELEASES)}.")
    target = folder / name
    if is_grouplens(target):
        return target
    if target.exists():
        raise RecfeatError(
            f"{target} is there and is not a whole release; remove it, or name another folder."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecfeatError(f"Cannot write to {folder}: {error.strerror}; name a folder.") from error
    url, part = f"{base_url.rstrip('/')}/{name}.zip", folder / f"{name}.zip.part"
    with httpx.Client(follow_redirects=True, timeout=30) as client:
        _fetch(client, url, part, progress, pause)
        _verify(client, url, part)
    _unpack(part, target)
    part.unlink()
    return target


def _fetch(
    client: httpx.Client, url: str, part: Path, progress: Progress | None, pause: float
) -> None:
    """Bring ``part`` to its full length, over as many connections as it takes."""
    failures = 0
    while True:
        before = part.stat().st_size if part.exists() else 0
        try:
            if _fetch_once(client, url, part, before, progress):
                return
            problem = "the connection closed early"
        except httpx.TransportError as error:
            problem = str(error) or type(error).__name__
        except OSError as error:
            raise RecfeatError(
                f"Cannot write {part}: {error.strerror or error}. Free some space and run again; "
                "the download continues where it stopped."
            ) from error
        after = part.stat().st_size if part.exists() else 0
        failures = 0 if after > before else failures + 1
        if failures == ATTEMPTS:
            raise RecfeatError(
                f"Cannot download {url}: {problem}. Check the network and run again; the download "
                f"continues at {after:,} bytes."
            )
        time.sleep(pause * 2 ** max(failures - 1, 0))


def _fetch_once(
    client: httpx.Client, url: str, part: Path, start: int, progress: Progress | None
) -> bool:
    """One connection; whether the file is whole after it."""
    headers = {"Accept-Encoding": "identity"}  # a range counts the bytes of the file itself
    if start:
        headers["Range"] = f"bytes={start}-"
    with client.stream("GET", url, headers=headers) as response:
        status = response.status_code
        if status == 416:  # nothing lies beyond `start`: whole, or a leftover of another file
            if response.headers.get("content-range") == f"bytes */{start}":
                return True
            part.unlink()
            return False
        if status >= 500 or status == 429:
            raise httpx.TransportError(f"the server answered {status}")
        if status not in (200, 206):
            raise RecfeatError(f"Cannot download {url}: the server answered {status}.")
        if status == 200:
            start = 0  # the server ignored the range: it sends the file from its beginning
        length = response.headers.get("content-length")
        total = start + int(length) if length else None
        done = start
        with open(part, "ab" if start else "wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
                done += len(chunk)
                if progress:
                    progress(done, total or done)
    return total is None or done == total


def _verify(client: httpx.Client, url: str, part: Path) -> None:
    """Compare with the published MD5; where none is published the archive's own CRCs must do."""
    try:
        response = client.get(f"{url}.md5")
    except httpx.TransportError as error:
        raise RecfeatError(f"Cannot fetch {url}.md5: {error}; run again to go on.") from error
    published = re.search(r"\b[0-9a-f]{32}\b", response.text.lower())
    if response.status_code != 200 or not published:
        return
    with open(part, "rb") as file:
        found = hashlib.file_digest(file, "md5").hexdigest()
    if found != published[0]:
        part.unlink()
        raise RecfeatError(
            f"{url} arrived damaged: MD5 {found}, published {published[0]}. It was deleted; run "
            "again to download it afresh."
        )


def _unpack(archive: Path, target: Path) -> None:
    """Unpack beside the target and rename, so that the target is whole or not there."""
    staging = target.with_name(f".{target.name}.unpacking")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as bundle:
            for name in bundle.namelist():
                path = Path(name)
                if path.is_absolute() or ".." in path.parts or path.parts[0] != target.name:
                    raise RecfeatError(
                        f"{archive} holds {name!r}, which lies outside {target.name}/; it was not "
                        "unpacked. Delete it, and check where it came from."
                    )
            bundle.extractall(staging)
        (staging / target.name).rename(target)
    except (zipfile.BadZipFile, EOFError) as error:
        archive.unlink()
        raise RecfeatError(
            f"{archive} is not a whole zip archive ({error}). It was deleted; run again."
        ) from error
    except OSError as error:
        raise RecfeatError(
            f"Cannot unpack {archive}: {error.strerror or error}. Free some space and run again."
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
