"""Which prompt versions unattended runs may spend money on."""

import time
from dataclasses import dataclass
from pathlib import Path

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.prompts import is_imported, promoted
from recfeat_pipeline.extraction.versions import load_version
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.taxonomy.read import FOLDER


@dataclass(frozen=True)
class Followed:
    """Version keys that automation extracts, and why others of the user's cannot be."""

    keys: list[str]
    troubles: list[str]


def followed_versions(lake: Lake, folder: str | Path | None, still_for: float = 0) -> Followed:
    """The promoted version, and those of the user's own folder that ask for scores.

    The built-in probes cost money as well, and are left to whoever asks for them. A version whose
    files changed after it was promoted can no longer be asked, and imported scores never could.

    Args:
        lake: says which version is promoted.
        folder: the user's own versions (``RECFEAT_PROMPTS``).
        still_for: seconds since a version's last edit; one in the middle of an edit is left out.
    """
    keys, troubles = [], []
    current = promoted(lake, folder)
    asked = [] if is_imported(lake, current, folder) else [current]
    for name in [*asked, *_own(folder, still_for)]:
        try:
            version = load_version(name, folder)
        except RecfeatError as error:
            troubles.append(str(error))
            continue
        if version.asks == "scores":
            keys.append(version.key)
    return Followed(list(dict.fromkeys(keys)), troubles)


def is_own(name: str, folder: str | Path | None) -> bool:
    """Whether a version of that name lies in the user's own folder."""
    return folder is not None and (Path(folder).expanduser() / name / "version.toml").is_file()


def _own(folder: str | Path | None, still_for: float) -> list[str]:
    if folder is None:
        return []
    before, root = time.time() - still_for, Path(folder).expanduser()
    taxonomies = list((root / FOLDER).glob("*.yaml"))  # any version may name one of them
    return [
        path.parent.name
        for path in sorted(root.glob("*/version.toml"))
        if max(file.stat().st_mtime for file in [*path.parent.rglob("*"), *taxonomies]) <= before
    ]
