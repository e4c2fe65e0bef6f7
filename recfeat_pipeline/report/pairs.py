"""Which arms differ in content alone: a model with content, the same without, and its controls."""

from collections.abc import Iterable, Mapping, Sequence

from recfeat_pipeline.report.provenance import ArmNote
from recfeat_pipeline.sections import BESIDE

NEGATIVE_CONTROLS = ("random", "shuffled")
"""Controls that leave no meaning: what they gain, width or chance gained."""

Notes = Mapping[str, ArmNote]
Pair = tuple[str, str]


def is_pair(arm: str, reference: str, notes: Notes) -> bool:
    """Whether ``arm`` is ``reference`` with content, as both declare themselves."""
    ours, theirs = notes.get(arm, ArmNote()), notes.get(reference, ArmNote())
    return (
        ours.role == "content"
        and not theirs.content
        and theirs.role in ("floor", "baseline")
        and ours.family == theirs.family
        and ours.section not in BESIDE
    )


def pairs_of_llm(arms: Sequence[str], contrasted: Iterable[Pair], notes: Notes) -> list[Pair]:
    """(arm with the promoted version's scores, the same without content), as far as contrasted.

    Where nothing was contrasted, those of one family that stand in one section.
    """
    sought = list(contrasted) or [
        (arm, other) for arm in arms for other in arms if _beside(arm, other, notes)
    ]
    return [
        (arm, reference)
        for arm, reference in sought
        if arm in arms
        and reference in arms
        and is_pair(arm, reference, notes)
        and notes[arm].content == "llm"
        and not notes[arm].prompt_version
    ]


def controls_of(
    arm: str, reference: str, arms: Iterable[str], contrasted: Iterable[Pair], notes: Notes
) -> tuple[str, ...]:
    """Negative controls of the same family and content that were held against either.

    Args:
        arm: with content.
        reference: the same without.
        arms: among which they are, in the order that is wanted.
        contrasted: pairs; none: every arm of the section is as good as held against them.
        notes: what the arms declare.
    """
    near = {one for pair in contrasted if pair[1] == reference or pair[0] == arm for one in pair}
    ours = notes.get(arm, ArmNote())
    return tuple(
        other
        for other in arms
        if (other in near if near else _beside(other, reference, notes))
        and (note := notes.get(other, ArmNote())).role == "control"
        and note.control in NEGATIVE_CONTROLS
        and (note.family, note.content) == (ours.family, ours.content)
    )


def _beside(arm: str, other: str, notes: Notes) -> bool:
    """Whether two arms are of one family and section; the study's controls are in another."""
    ours, theirs = notes.get(arm, ArmNote()), notes.get(other, ArmNote())
    sections = {ours.section, theirs.section}
    return ours.family == theirs.family and (len(sections) == 1 or sections == {"base", "control"})
