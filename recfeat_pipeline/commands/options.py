"""Options that several commands share."""

from typing import Annotated

import typer

from recfeat_pipeline.errors import RecfeatError

CatalogOption = Annotated[
    str | None,
    typer.Option(
        "--catalog",
        metavar="PATH",
        help="A catalogue file (.toml) or a MovieLens folder; unset: RECFEAT_CATALOG, else the one "
        "this lake holds, else the embedded catalogue.",
    ),
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        "--split",
        metavar="SPLIT",
        help="What is held out: three_way, global_time, leave_one_out, published, or provided (as "
        "the catalogue says); unset: what this lake was split by, else provided.",
    ),
]
VersionOption = Annotated[
    str | None,
    typer.Option(
        "--prompt-version",
        metavar="VERSION",
        help="A prompt version (`recfeat prompts list`); unset: the promoted one.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
ItemArgument = Annotated[
    str, typer.Argument(metavar="ITEM", help='A title, as in "Toy Story (1995)", or an item id.')
]


def integers(option: str, text: str) -> list[int]:
    """``"0,1,2"`` as numbers.

    Raises:
        RecfeatError: a part is no whole number.
    """
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise RecfeatError(f"{option} {text!r}: give whole numbers, as in 0,1,2.") from None
