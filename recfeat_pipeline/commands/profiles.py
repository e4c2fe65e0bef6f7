"""``recfeat profiles``: what a model writes of users' taste, from their training events."""

from typing import Annotated

import typer

from recfeat_pipeline.commands.output import hint, plural, say
from recfeat_pipeline.commands.run import BudgetOption, YesOption
from recfeat_pipeline.errors import RecfeatError

app = typer.Typer(
    name="profiles",
    help="Profiles of users, from what they took.",
    no_args_is_help=True,
)


@app.callback()
def group() -> None:
    """Keep `users` a command of its own while it is the only one."""


@app.command()
def users(
    context: typer.Context,
    version: Annotated[
        str,
        typer.Option(
            "--prompt-version", metavar="VERSION", help="A version that asks for users' profiles."
        ),
    ] = "user-profile-v1",
    changed: Annotated[
        float | None,
        typer.Option(
            min=0, max=1, metavar="SHARE",
            help="Of a history that must be new for a profile to be written again; unset: "
            "RECFEAT_PROFILE_CHANGED.",
        ),
    ] = None,
    budget: BudgetOption = None,
    yes: YesOption = False,
) -> None:  # fmt: skip
    """Write two sentences and four tags of each user's taste, and a vector of them.

    Shown are the newest 50 events of the split train, with ratings where known; nothing that an arm
    is tested on. Says first what it will send and cost. They become features.user_profiles, which
    arms with [content] users read. Without a key the embedded extractor stands in, labelled.

    $ recfeat profiles users
    $ recfeat profiles users --budget 5 --changed 0.5
    """
    import polars as pl

    from recfeat_pipeline.commands.driving import announce_cost, open_driver
    from recfeat_pipeline.commands.lakes import open_lake
    from recfeat_pipeline.defs.extraction.users import user_version
    from recfeat_pipeline.defs.extraction.version import paid_model
    from recfeat_pipeline.extraction.engine import model_to_ask
    from recfeat_pipeline.extraction.user_profiles import users_due
    from recfeat_pipeline.lake import shard_names

    settings = context.obj.settings.but(llm_budget_usd=budget, profile_changed=changed)
    lake = open_lake(settings)
    if not lake.has("events"):
        raise RecfeatError(
            f"The lake {lake.root} holds no events to write profiles from: run `recfeat run "
            "--until catalog` first."
        )
    chosen = user_version(version, settings)
    model = model_to_ask(settings, chosen, paid_model(lake, chosen))
    every = shard_names(lake.n_shards)
    asked, _ = users_due(lake, chosen, model, settings.profile_changed, every)
    documents = pl.concat(asked.values())
    hint(f"Profiles of users, {chosen.key}: {documents.height:,} are due", style="bold")
    with open_driver(settings) as driver:
        announce_cost(lake, chosen, settings, yes, documents=documents, of="user")
        driver.profile_users(chosen)
        hint("Building the feature store", style="bold")
        driver.build_store()
    found = lake.read("user_profiles", version=chosen.key)
    wrote = ", ".join(sorted(found["model"].unique())) or "nobody"
    say(f"{chosen.key}: {plural(found.height, 'user')} with profiles, written by {wrote}.")
    if found.is_empty():
        say("The split leaves no user a training event, so there is nothing to write from.")
