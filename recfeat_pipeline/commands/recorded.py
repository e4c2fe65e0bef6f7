"""The command line and the settings of a run, as its report tells how to do it again."""

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import SecretStr

from recfeat_pipeline.settings import Settings, variables, without_password

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
PERSONAL = ("contact",)  # no secrets, and not to be handed round with a report


def record(words: Sequence[str], environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """The note ``command``: shell lines, and the names of variables whose values are kept back.

    The first line goes to the folder from which the paths that were typed are found.
    Secrets are never in it, nor users, passwords and queries of URLs.

    Args:
        words: what was typed after ``recfeat``.
        environment: as the command found it; None: this process's.
    """
    found = os.environ if environment is None else environment
    shown, withheld = [], []
    for field, info in Settings.model_fields.items():
        name = next((name for name in variables(field) if found.get(name)), None)
        if name is None:
            continue
        if SecretStr in (info.annotation, *get_args(info.annotation)) or field in PERSONAL:
            withheld.append(name)
        else:
            shown.append(f"export {name}={shlex.quote(_bare(found[name]))}")
    command = shlex.join(["recfeat", *map(_bare, words)])
    place = f"cd {shlex.quote(os.getcwd())}"
    return {"lines": [place, *shown, command], "withheld": withheld}


def _bare(text: str) -> str:
    return URL.sub(lambda url: without_password(url[0]), text)
