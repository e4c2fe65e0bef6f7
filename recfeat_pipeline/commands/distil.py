"""``recfeat distil``: a student that scores from text what was not worth a call."""

from typing import TYPE_CHECKING, Annotated

import typer

from recfeat_pipeline.commands.output import dollars, duration, number, plural, say, table
from recfeat_pipeline.errors import RecfeatError

if TYPE_CHECKING:
    from recfeat_pipeline.commands.student_curve import Teacher
    from recfeat_pipeline.settings import Settings


def distil(
    context: typer.Context,
    version: Annotated[
        str | None,
        typer.Argument(metavar="VERSION", help="Whose scores are learnt; unset: the promoted."),
    ] = None,
    answers: Annotated[
        int | None,
        typer.Option(min=10, metavar="ITEMS", help="Learn from so many, drawn; unset: from all."),
    ] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="What the student's version is called.")
    ] = "student",
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
    curve: Annotated[
        bool,
        typer.Option("--curve", help="Measure it on items held out, and write nothing."),
    ] = False,
) -> None:
    """Learn to score items from their text, from the scores that a model gave to some of them.

    A version of its own: the items learnt from keep what the model said, those that it did not
    score, or that were not drawn, get the student's scores, marked as such. An arm reads them by
    their name: prompt_version = "student".

    $ recfeat distil --curve
    $ recfeat distil genome132-v1 --answers 400
    """
    from recfeat_pipeline.commands.driving import open_driver
    from recfeat_pipeline.commands.given import check_name
    from recfeat_pipeline.commands.student_curve import draw, find_teacher
    from recfeat_pipeline.extraction.student import Student, student_scores
    from recfeat_pipeline.lake import shard_of

    settings: Settings = context.obj.settings
    check_name(name, settings.prompts)
    teacher = find_teacher(settings, version)
    if curve:
        print_curve(teacher, settings, seed)
        return
    taught = draw(teacher, answers or len(teacher.scored), seed)
    if len(taught) == len(teacher.item_ids):
        raise RecfeatError(
            f"{teacher.version} scores every item that has a text, so nothing is left for a "
            "student: ask with --curve how good it would be, or teach it --answers fewer."
        )
    student = Student.teach(teacher.views, taught, teacher.values(taught))
    key, frame = student_scores(
        student,
        teacher.item_ids,
        teacher.rows_of(taught),
        teacher.dimensions,
        name,
        teacher.version,
    )
    lake = teacher.lake
    lake.write("dimensions", teacher.dimensions, version=key)
    for (shard,), part in frame.group_by(shard_of(frame["item_id"], lake.n_shards)):
        lake.write("scores", part, version=key, shard=str(shard))
    with open_driver(settings) as driver:
        driver.build_store()
    say(
        f"{key}: {plural(len(taught), 'item')} as {teacher.version} scored them, "
        f"{plural(len(teacher.item_ids) - len(taught), 'item')} scored by the student."
    )


def print_curve(teacher: "Teacher", settings: "Settings", seed: int) -> None:
    """Answers bought, and how far the student then agrees with its teacher and curated tags.

    Raises:
        RecfeatError: too few items have scores and a text.
    """
    from recfeat_pipeline.commands.student_curve import SIZES, measure, price_per_million

    n_held, lines = measure(teacher, seed)
    if not lines:
        raise RecfeatError(
            f"{teacher.version} scores {plural(len(teacher.scored), 'item')} with a text; the "
            f"curve holds a fifth of them out and begins with {SIZES[0]} taught."
        )
    say(
        f"Student of {teacher.version}, on {plural(n_held, 'item')} held out "
        f"(texts as words and as {teacher.embedding})",
        style="bold",
    )
    price = price_per_million(teacher, settings)
    table(
        {"taught": "left", "answers": "right", "for": "right", "with the teacher": "right",
         "95 %": "right", "with curated tags": "right", "words count": "right"},
        [
            (
                line.what,
                number(line.answers),
                dollars(None if price is None else price.usd * line.answers / 1e6),
                None if line.with_teacher is None else f"{line.with_teacher:.3f}",
                line.interval and f"{line.interval[0]:.3f} to {line.interval[1]:.3f}",
                None if line.with_tags is None else f"{line.with_tags:.3f}",
                None if line.share is None else f"{line.share:.2f}",
            )
            for line in lines
        ],
    )  # fmt: skip
    seconds = max(line.seconds_per_item for line in lines)
    by_calls = "no price of calls known"
    if price is not None:
        by_calls = f"{dollars(price.usd)} by calls ({price.asked})"
    say(
        f"Mean correlation over dimensions. A million items: {by_calls}; by the student no call, "
        f"{duration(seconds * 1e6)} of one core, and what {teacher.embedding} takes to embed them."
    )
