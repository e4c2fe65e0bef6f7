"""The documentation does what it says: its commands run, its names exist, its pages are current.

Every fenced ``bash`` block of README.md, CONTRIBUTING.md and docs/ is executed line by line, a page
being one shell session, in one workspace with a small catalogue of films. To keep it cheap the
commands run in this process, a run trains two arms of one seed (the others are looked up, as are
all arms of a run that differs from an earlier one in nothing else), an untrained network counts as
trained, and an LLM endpoint is the loopback server. A command that cannot run here must be in
:data:`NOT_HERE`; its name and options are still checked.
"""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
import typer

from recfeat_pipeline import cli
from recfeat_pipeline.catalog import read, synthetic
from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import REPORT
from recfeat_pipeline.models import arms
from recfeat_pipeline.settings import Settings, variables
from recfeat_pipeline.taxonomy.read import parse_taxonomy
from recfeat_pipeline_tests.servers.openai_server import MODELS, OpenAIServer

REPO = Path(__file__).parents[2]
PAGES = [REPO / "README.md", REPO / "CONTRIBUTING.md", *sorted((REPO / "docs").rglob("*.md"))]
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

NOT_HERE = {
    "recfeat ui": "serves until it is stopped",
    "recfeat explore": "serves until it is stopped",
    "recfeat serve": "serves until it is stopped",
    "recfeat mcp": "serves until it is stopped",
    "recfeat download": "needs the network",
    "recfeat run --catalog data/ml-32m": "needs MovieLens 32M",
    "recfeat check data/ml-32m": "needs MovieLens 32M",
    "recfeat estimate --catalog data/ml-32m": "needs MovieLens 32M",
    "recfeat score-item --tmdb": "needs a TMDB key",
    "recfeat text why": "needs an item of yours",
    "recfeat text pin": "needs an item of yours",
    "recfeat text load": "needs Wikimedia's dumps",
    "recfeat text accept": "needs a day that was set aside",
    "recfeat text reject": "needs a day that was set aside",
    "python -m recfeat_pipeline_tests.servers.openlibrary_server": "serves until it is stopped",
    "recfeat rank import": "needs another program's ranks; test_own_recommender_page runs it",
    "git clone": "needs the network",
    "pip install": "needs the network",
    "pytest": "is what runs this",
    "pre-commit": "is installed by whoever wants it",
    "python -m bench": "takes minutes",
    "python -m bench.bench_claims": "takes a quarter of an hour",
    "docker": "needs Docker",
    "cp deploy/example.env": "is followed by Docker",
    "helm": "needs a cluster",
    "kubectl": "needs a cluster",
    "vllm": "is another program",
    "ollama": "is another program",
    "llama-server": "is another program",
}
"""Beginning of a command -> why it is not executed. ``make`` targets are looked up, not built."""

SOURCES = ("RECFEAT_CONTACT", "TMDB_API_KEY")  # would send requests to the world
FOUND_SOMETHING = ("recfeat check", "recfeat doctor", "recfeat status")  # may exit with 3
FEWEST = {"--seeds": "0", "--arms": "hybrid,hybrid_llm"}  # of a run
N_ITEMS, N_USERS = 24, 60


def blocks(page: Path, language: str) -> list[str]:
    return [code for found, code in FENCE.findall(page.read_text("utf-8")) if found == language]


def commands(page: Path) -> list[str]:
    """Command lines, continued ones joined, comments left out."""
    lines = "\n".join(blocks(page, "bash")).replace("\\\n", " ").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]


# -- the commands --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def films() -> "pl.DataFrame":
    """A small generated catalogue."""
    return synthetic.generate(
        synthetic.SyntheticConfig(n_items=N_ITEMS, n_users=N_USERS, thin_share=0, cold_share=0)
    )


@pytest.fixture
def workspace(tmp_path, films, monkeypatch):
    """A folder with the README's catalogue: its tables, its catalogue file, a text."""
    folder = tmp_path / "data" / "films"
    folder.mkdir(parents=True)
    text = films.fields.filter(pl.col("label") != "Title").pivot(
        "label", index="item_id", values="text"
    )
    title = (
        pl.when(pl.col("item_id") == 1)
        .then(pl.lit("Alien (1979)"))
        .otherwise("title")
        .alias("title")
    )
    table = films.items.select("item_id", title, "year", "imdb_id", "tmdb_id").join(
        text.drop("Year", strict=False), on="item_id"
    )
    columns = {"item_id": "film_id", "imdb_id": "imdb", "tmdb_id": "tmdb"}
    table.rename(columns).rename(str.lower).write_csv(folder / "films.csv")
    films.interactions.drop("split").rename(
        {"item_id": "film_id", "timestamp": "rated_at"}
    ).write_csv(folder / "ratings.csv")
    films.tags.rename({"item_id": "film_id", "relevance": "weight"}).write_csv(
        folder / "keywords.csv"
    )
    (tmp_path / "solaris.txt").write_text("A psychologist visits a station above a living ocean.\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def small(monkeypatch):
    """Nothing is large: neither the embedded catalogue nor the number of steps."""
    from recfeat_pipeline.models import recipe

    config = synthetic.SyntheticConfig(n_items=N_ITEMS, n_users=N_USERS)
    monkeypatch.setattr(read, "SyntheticConfig", lambda: config)
    monkeypatch.setattr(recipe, "MAX_STEPS", 2)


class Shell:
    """Just enough of a shell for a page: variables, folders, and ``recfeat`` in this process."""

    def __init__(self, base_url: str, runs: set[tuple[str, ...]]):
        self.base_url = base_url
        self.runs = runs  # of all pages so far, but for their arms
        self.exported: dict[str, str] = {}

    def run(self, line: str) -> None:
        words = shlex.split(line, comments=True)
        own = {}
        while words and re.match(r"[A-Z_]+=", words[0]):
            name, _, value = words.pop(0).partition("=")
            own[name] = os.path.expandvars(value)
        if words[:1] == ["export"]:
            self.exported |= dict(word.split("=", 1) for word in words[1:])
            return
        if words[:1] == ["unset"]:
            for name in words[1:]:
                self.exported.pop(name, None)
            return
        with environment(self.with_loopback(self.exported | own)):
            self.execute(words, line)

    def with_loopback(self, variables: dict[str, str]) -> dict[str, str]:
        """An endpoint or a key of the page's becomes the loopback server's; no source is asked."""
        variables = {name: value for name, value in variables.items() if name not in SOURCES}
        if {"OPENAI_API_KEY", "RECFEAT_LLM_API_KEY", "RECFEAT_LLM_BASE_URL"} & variables.keys():
            return variables | {"RECFEAT_LLM_BASE_URL": self.base_url}
        return variables

    def execute(self, words: list[str], line: str) -> None:
        if words[0] == "cd":
            return  # a clone's folder, which the workspace stands for
        if words[0] == "make":
            subprocess.run(
                ["make", "-n", *words[1:]], cwd=REPO, check=True, capture_output=True, timeout=20
            )
            return
        if any(line_begins(words, start) for start in NOT_HERE):
            if words[0] == "recfeat":
                assert_options_exist(words[1:])
            return
        if words[0] == "recfeat":
            arguments = shortened(words[1:])
            if words[1] == "run":
                if (kind := but_for_arms(arguments)) in self.runs:
                    return
                self.runs.add(kind)
            recfeat(arguments, line)
            return
        done = subprocess.run(
            line, shell=True, env={**os.environ, "PATH": path_with_venv()}, capture_output=True,
            text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


def shortened(arguments: list[str]) -> list[str]:
    """A run of two arms and one seed; that the others exist is made sure of.

    A lake that has a report keeps it: the stage that makes it costs most, and has been run.
    """
    if arguments[:1] != ["run"]:
        return arguments
    has_report = Lake(os.environ.get("RECFEAT_LAKE", "data_lake")).exists(REPORT)
    if has_report and not {"--until", "--pilot"} & set(arguments):
        arguments = [*arguments, "--until", "training"]
    for option, fewest in FEWEST.items():
        if option not in arguments:
            arguments = [*arguments, option, fewest]
        at = arguments.index(option) + 1
        if option == "--arms":
            assert arms.resolve_arms(arguments[at])
        few = ",".join(arguments[at].split(",")[-len(fewest.split(",")) :])
        arguments = [*arguments[:at], few, *arguments[at + 1 :]]
    return arguments


def but_for_arms(arguments: list[str]) -> tuple[str, ...]:
    """A run without the names of its arms."""
    at = arguments.index("--arms") + 1
    return (*arguments[:at], *arguments[at + 1 :])


def line_begins(words: list[str], start: str) -> bool:
    wanted = start.split()
    return words[: len(wanted)] == wanted


def path_with_venv() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@contextlib.contextmanager
def environment(variables: dict[str, str]):
    """The environment with these variables, put back afterwards."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def recfeat(arguments: list[str], line: str) -> None:
    """Run the command line in this process; it must not end in an error."""
    out, trouble = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(trouble):
        code = cli.run_app(arguments)
    may_find = any(line_begins(["recfeat", *arguments], start) for start in FOUND_SOMETHING)
    allowed = (0, 3) if may_find else (0,)
    assert code in allowed, f"{line}\nexit code {code}\n{out.getvalue()}{trouble.getvalue()}"


def assert_options_exist(arguments: list[str]) -> None:
    """The command is there, and so is each of its options."""
    command = typer.main.get_command(cli.app)
    words = list(arguments)
    while words and hasattr(command, "commands") and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"there is no command {name!r}"
        command = command.commands[name]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    given = {word.partition("=")[0] for word in words if word.startswith("-") and len(word) > 1}
    assert given <= known, f"no such option: {given - known}"


def test_every_command_of_the_documentation_works(workspace, small, subtests):
    (workspace / "films.toml").write_text(readme_catalogue())
    with OpenAIServer(models=(*MODELS, *documented_models())) as server:
        done: set[tuple[str, ...]] = set()
        runs: set[tuple[str, ...]] = set()
        for page in PAGES:
            shell = Shell(server.base_url, runs)
            for line in commands(page):
                state = (line, *sorted(f"{k}={v}" for k, v in shell.exported.items()))
                if state in done:
                    continue
                with subtests.test(page=page.name, command=line):
                    shell.run(line)
                if "=" not in line.split()[0] and not line.startswith(("export", "unset")):
                    done.add(state)


def readme_catalogue() -> str:
    """The README's example of a catalogue file, as it is."""
    [example] = [block for block in blocks(REPO / "README.md", "toml") if "[interactions]" in block]
    return example


def documented_models() -> list[str]:
    """What the pages set RECFEAT_LLM_MODEL to."""
    text = "".join(page.read_text("utf-8") for page in PAGES)
    return re.findall(r"RECFEAT_LLM_MODEL=(\S+)", text)


# -- the names -----------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_and_path_leads_somewhere(page):
    text = page.read_text("utf-8")
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", text)
    paths = re.findall(r"`((?:recfeat_pipeline|recfeat_pipeline_tests|dbt_like_sql|docs)/[^`]*)`",
                       text)  # fmt: skip
    missing = [link for link in links if not (page.parent / link).exists()]
    missing += [path for path in paths if not re.search(r"[<*{ ]", path) and not exists(path)]
    assert not missing


def exists(path: str) -> bool:
    return (REPO / path.split("::")[0]).exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_named_is_one(page):
    known = {name for field in Settings.model_fields for name in variables(field)}
    named = set(re.findall(r"\b(RECFEAT_[A-Z_]+[A-Z]|OPENAI_[A-Z_]+|TMDB_[A-Z_]+)\b",
                           page.read_text("utf-8")))  # fmt: skip
    assert named <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_named_in_prose_is_one(page):
    command = typer.main.get_command(cli.app)
    named = set(re.findall(r"`recfeat ([a-z-]+)", page.read_text("utf-8")))
    assert named <= set(command.commands)


def test_the_picture_of_the_asset_graph_is_right():
    """Names in the mermaid block are assets, and its arrows are dependencies, direct or not."""
    from recfeat_pipeline.definitions import defs

    [picture] = blocks(REPO / "README.md", "mermaid")
    names = dict(re.findall(r"(\w+)\[\"?([\w./]+)", picture))
    graph = defs.resolve_asset_graph()
    keys = {k.to_user_string(): k for k in graph.materializable_asset_keys}
    assert set(names.values()) <= set(keys)
    for first, second in re.findall(r"^\s*(\w+) --> (\w+)$", picture, re.MULTILINE):
        downstream = dg.AssetSelection.assets(keys[names[first]]).downstream().resolve(graph)
        assert keys[names[second]] in downstream, f"{names[second]} does not follow {names[first]}"


def test_the_example_of_an_arm_is_one():
    [example] = [block for block in blocks(REPO / "README.md", "toml") if "family" in block]
    arm = arms.parse("example.toml", example)
    assert arm.settings.recency
    assert set(arm.against) <= arms.load_arms().keys()


def test_the_example_of_a_taxonomy_is_one():
    [example] = blocks(REPO / "docs" / "taxonomies.md", "yaml")
    assert parse_taxonomy(example, Path("taxonomies/recipes.yaml")).item == "recipe"


@pytest.mark.parametrize("page", ["settings.md", "feature-store.md"])
def test_generated_pages_are_up_to_date(page):
    """The remedy is ``python docs/generate.py``."""
    sys.path.insert(0, str(REPO / "docs"))
    try:
        import generate
    finally:
        sys.path.pop(0)
    assert (REPO / "docs" / page).read_text("utf-8") == generate.PAGES[page]()


def test_every_page_is_reached_from_the_readme():
    text = (REPO / "README.md").read_text("utf-8")
    pages = {path.relative_to(REPO).as_posix() for path in (REPO / "docs").glob("*.md")}
    assert not {page for page in pages if page not in text}
