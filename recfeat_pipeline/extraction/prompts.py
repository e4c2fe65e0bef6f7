"""Looking after prompt versions: list, show, compare, begin a new one, promote."""

import difflib
import re
from dataclasses import dataclass
from pathlib import Path

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.extraction.keys import canonical
from recfeat_pipeline.extraction.versions import (
    PromptVersion,
    list_probes,
    list_versions,
    load_version,
    probe_of,
    read_parts,
)
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.taxonomy import Taxonomy, load_taxonomy

DEFAULT = "genome132-v1"  # until another one is promoted
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class VersionInfo:
    """One line of ``recfeat prompts list``."""

    name: str
    key: str
    asks: str
    model: str
    groups: int
    description: str
    promoted: bool


@dataclass(frozen=True)
class VersionDiff:
    """How two versions differ, and what going from one to the other buys."""

    lines: tuple[str, ...]  # unified diff of settings and texts
    bought: tuple[str, ...]  # groups whose calls change
    kept: tuple[str, ...]  # groups answered by what is in the ledger


def describe_versions(
    lake: Lake, extra_folder: str | Path | None = None, every: bool = False
) -> list[VersionInfo]:
    """The versions that can be asked, the promoted one marked.

    Probes are those of the promoted version. Where that one scores items on a taxonomy of its own,
    the built-in variants of the default are left out, for they ask about films.

    Args:
        lake: has a promoted version.
        extra_folder: the user's prompt folder.
        every: leave none out.
    """
    current = promoted(lake, extra_folder)
    versions = [load_version(name, extra_folder) for name in list_versions(extra_folder)]
    own = [v for v in versions if v.name == current.partition("@")[0]]
    versions += [probe for version in own for probe in probes_of(version, extra_folder)]
    versions.sort(key=lambda version: version.name)
    if not every:
        versions = [v for v in versions if v not in _of_another(versions, current)]
    return [
        VersionInfo(v.name, v.key, v.asks, v.model, len(v.groups), v.description, v.key == current)
        for v in versions
    ]


def _of_another(versions: list[PromptVersion], current: str) -> list[PromptVersion]:
    """Built-in variants of the default, if the promoted version has another taxonomy."""
    name = current.partition("@")[0]
    chosen = next((v.taxonomy for v in versions if v.name == name), None)
    default = load_version(DEFAULT).taxonomy
    if chosen is None or default is None or chosen.name == default.name:
        return []
    shipped = {load_version(name).key for name in list_versions()} - {load_version(DEFAULT).key}
    return [
        v for v in versions if v.key in shipped and v.taxonomy and v.taxonomy.name == default.name
    ]


def show_version(name: str, extra_folder: str | Path | None = None) -> str:
    """A version as text: settings, then each call's instructions as the model reads them."""
    version = load_version(name, extra_folder)
    scored = f" on {version.taxonomy.name}" if version.taxonomy else ""
    fields = "all fields" if version.labels is None else ", ".join(version.labels) or "no fields"
    about = [
        f"{version.key}: {version.description}",
        f"asks {version.asks}{scored}, model {version.model}, parameters {dict(version.params)}",
        f"document: {'title and ' if version.title else ''}{fields}, cuts {dict(version.cuts)}"
        + (f", {version.characters} characters in all" if version.characters else "")
        + (f", names masked ({', '.join(version.mask_names)})" if version.mask_names else ""),
    ]
    if cascade := version.cascade:
        about.append(
            f"cascade: {cascade.model} is asked first, twice; {version.model} where the two "
            f"answers differ by more than {cascade.unsure_above:g}"
        )
    calls = [f"== {q.group} ==\n{q.system}" for q in version.questions]
    return "\n\n".join(["\n".join(about), *calls])


def diff_versions(old: str, new: str, extra_folder: str | Path | None = None) -> VersionDiff:
    """Compare two versions, file by file and call by call."""
    a, b = load_version(old, extra_folder), load_version(new, extra_folder)
    texts = [_as_files(v, extra_folder) for v in (a, b)]
    lines: list[str] = []
    for path in sorted(texts[0].keys() | texts[1].keys()):
        before, after = (text.get(path, "").splitlines() for text in texts)
        names = (f"{a.name}/{path}", f"{b.name}/{path}")
        lines += difflib.unified_diff(before, after, *names, lineterm="", n=1)
    same_document = a.document == b.document
    same_setting = (a.model, canonical(a.params), a.cascade) == (
        b.model, canonical(b.params), b.cascade
    )  # fmt: skip
    before_calls = {q.group: (q.system, canonical(q.schema)) for q in a.questions}
    kept = tuple(
        q.group
        for q in b.questions
        if same_document
        and same_setting
        and before_calls.get(q.group) == (q.system, canonical(q.schema))
    )
    bought = tuple(group for group in b.groups if group not in kept)
    return VersionDiff(tuple(lines), bought, kept)


def new_version(
    name: str, extends: str | None, extra_folder: str | Path | None, taxonomy: str | None = None
) -> Path:
    """Begin a version of one's own: a folder that takes everything from another version.

    Args:
        name: of the folder.
        extends: the version that it takes from; None: the default one, or none at all with a
            taxonomy of its own, for which the instructions that suit any taxonomy are used.
        extra_folder: the user's folder of versions.
        taxonomy: what it scores; None: what the other version scores.

    Returns:
        The new ``version.toml``; files put beside it replace the other version's.

    Raises:
        RecfeatError: no folder is set, the name is taken or cannot be a folder's name, or there is
            no such version or taxonomy.
    """
    if extra_folder is None:
        raise RecfeatError(
            "Set RECFEAT_PROMPTS to a folder of your own; new prompt versions are made there."
        )
    if not NAME.fullmatch(name):
        raise RecfeatError(
            f"{name!r} cannot name a prompt version: use small letters, digits, '-', '_' and '.'."
        )
    root = Path(extra_folder).expanduser()
    root.mkdir(parents=True, exist_ok=True)
    if name in list_versions(root):
        raise RecfeatError(f"There is a prompt version {name!r} already; choose another name.")
    scored = load_taxonomy(taxonomy, root) if taxonomy else None
    if scored and extends is None:
        text = _version_of(name, scored)
    else:
        parent = load_version(extends or DEFAULT, root)
        text = _version_from(name, parent, taxonomy)
    path = root / name / "version.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _version_from(name: str, parent: PromptVersion, taxonomy: str | None) -> str:
    return (
        f'name = "{name}"\n'
        f'extends = "{parent.name}"   # every file and setting not given here is that version\'s\n'
        f'description = "{parent.name}, changed: say how"\n'
        + (f'taxonomy = "{taxonomy}"\n' if taxonomy else "")
        + f'# model = "{parent.model}"\n'
        "# Files of your own beside this one: preamble.md, calibration.md, groups/<group>.md\n"
    )


def _version_of(name: str, taxonomy: Taxonomy) -> str:
    base = load_version(DEFAULT)
    largest = max(len(group.dimensions) for group in taxonomy.groups)
    params = {**base.params, "max_tokens": max(base.params["max_tokens"], 36 * largest)}
    return (
        f'name = "{name}"\n'
        f'description = "The taxonomy {taxonomy.name}, one call per group."\n'
        f'taxonomy = "{taxonomy.name}"\n'
        f'model = "{base.model}"\n'
        "# Files of your own beside this one replace the instructions that suit any taxonomy:\n"
        "# preamble.md, calibration.md, group.md (for every group), groups/<group>.md\n\n"
        "[params]\n" + "".join(f"{key} = {value}\n" for key, value in params.items()) + "\n"
        '[cuts]   # longest text fed, by field; "*" is any other field\n"*" = 1500\n'
    )


def promote(lake: Lake, name: str, extra_folder: str | Path | None = None) -> str:
    """Make a version the one that the feature matrix uses; returns its key.

    Raises:
        RecfeatError: there is none of the name, or it asks for no scores.
    """
    version = load_version(name, extra_folder)
    if version.asks != "scores":
        raise RecfeatError(
            f"{version.name} asks for {version.asks}, not scores; only scores fill the feature "
            "matrix."
        )
    lake.remember(promoted=version.key)
    return version.key


def promoted(lake: Lake, extra_folder: str | Path | None = None) -> str:
    """The key of the promoted version; the built-in one until another is promoted."""
    return lake.meta.get("promoted") or load_version(DEFAULT, extra_folder).key


def probes_of(
    version: PromptVersion, extra_folder: str | Path | None = None
) -> list[PromptVersion]:
    """The probes of a version that scores: the same questions on less of the documents."""
    if version.asks != "scores":
        return []
    names = (probe_of(version.name, probe) for probe in list_probes(extra_folder))
    return [load_version(name, extra_folder) for name in names]


def same_dimensions(one: PromptVersion | None, other: PromptVersion | None) -> bool:
    """Whether two versions score items on one taxonomy."""
    taxonomies = [version.taxonomy for version in (one, other) if version and version.taxonomy]
    return len(taxonomies) == 2 and taxonomies[0].name == taxonomies[1].name


def version_of_arm(
    lake: Lake, wanted: str | None, extra_folder: str | Path | None = None
) -> PromptVersion | None:
    """The version whose scores an arm reads, as its files are now; None where there are none.

    Args:
        lake: has a promoted version.
        wanted: ``prompt_version`` of the arm's slot: None for the promoted one, ``+title-only`` for
            a probe of that, else a name.
        extra_folder: the user's prompt folder.
    """
    try:
        return load_version(arm_version(lake, wanted, extra_folder), extra_folder)
    except RecfeatError:  # imported, or its files are gone: what was bought is read all the same
        return None


def arm_version(lake: Lake, wanted: str | None, extra_folder: str | Path | None = None) -> str:
    """Its name."""
    name = promoted(lake, extra_folder).partition("@")[0]
    if wanted is None:
        return name
    return probe_of(name, wanted[1:]) if wanted.startswith("+") else wanted


def _as_files(version: PromptVersion, extra_folder: str | Path | None) -> dict[str, str]:
    _, texts = read_parts(version.name, extra_folder)
    settings = {
        "asks": version.asks,
        "taxonomy": version.taxonomy.name if version.taxonomy else None,
        "model": version.model,
        "echo": version.echo,
        "params": dict(version.params),
        "title": version.title,
        "labels": version.labels,
        "cuts": dict(version.cuts),
        "characters": version.characters,
        "mask_names": version.mask_names,
        "cascade": version.cascade,
    }
    return texts | {"version.toml": "\n".join(f"{k} = {v}" for k, v in settings.items())}


def is_imported(lake: Lake, key: str, extra_folder: str | Path | None = None) -> bool:
    """Whether a version's scores were made elsewhere, so that it can be read but not asked."""
    name = key.partition("@")[0].partition("+")[0]  # a probe is asked as its version is
    return lake.has("dimensions", version=key) and name not in list_versions(extra_folder)
