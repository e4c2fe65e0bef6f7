"""What was held out, in a sentence."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from recfeat_pipeline.report import formats

_SENTENCES = {
    "provided": "The catalogue brings its own split of events.",
    "three_way": "Users are split {shares} into training, validation and test.",
    "published": "Users are split {shares} into training and validation, as published; results are "
    "reported on the validation users, who also chose the checkpoint.",
    "global_time": "Events are split {shares} by time, the same moments for everyone: training "
    "before {valid_from}, validation before {test_from}, test from then on.",
    "leave_one_out": "Each user's last event is held out for test, the one before it for "
    "validation.",
}


def split_sentence(counts: Mapping[str, Any]) -> str:
    """What the corpus report says of its split; empty when it says nothing."""
    given = {
        "shares": "/".join(f"{100 * share:.3g}" for share in counts.get("split_shares", ())),
        **{at: _moment(counts[at]) for at in ("valid_from", "test_from") if at in counts},
    }
    text = _SENTENCES.get(str(counts.get("split")), "").format(**given)
    if drawn := counts.get("users_left_out_untimed"):
        text += f" Of {formats.count(drawn)} users these carry no time and were drawn."
    return text


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"
