"""Telling a webhook what an operator should know: what a chat or pager shows."""

from collections.abc import Iterable, Sequence

import httpx
from pydantic import SecretStr

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.settings import Settings

HIDDEN = "•••"


def failure_alert(
    lake: str, run_id: str, job: str, assets: Sequence[str], reasons: Sequence[str]
) -> dict[str, object]:
    """The JSON of a run that failed; ``text`` is what Slack and its likes show.

    Args:
        lake: its root.
        run_id: of the failed run.
        job: its name.
        assets: that failed, as in ``lake/tmdb``; none where the run's process died.
        reasons: one sentence each, free of secrets (see :func:`without_secrets`).
    """
    where = ", ".join(assets) or job
    why = " ".join(reasons) or "The run says why."
    return {
        "kind": "failure",
        "text": f"recfeat: {where} failed in run {run_id[:8]}. {why}",
        "lake": lake,
        "run_id": run_id,
        "job": job,
        "assets": list(assets),
        "reasons": list(reasons),
    }


def notice(lake: str, kind: str, about: str, sentence: str) -> dict[str, object]:
    """The JSON of what is no failure yet.

    Args:
        lake: its root.
        kind: "skipped" (a schedule), "warning" (of a check) or "overdue" (an asset).
        about: the schedule, check or asset.
        sentence: what there is to know.
    """
    text = f"recfeat: {about}: {sentence}"
    return {"kind": kind, "text": text, "lake": lake, "about": about, "reasons": [sentence]}


def without_secrets(text: str, settings: Settings) -> str:
    """The text with every secret of the settings blotted out."""
    secrets = (getattr(settings, name) for name in Settings.model_fields)
    return blot(text, (s.get_secret_value() for s in secrets if isinstance(s, SecretStr)))


def blot(text: str, secrets: Iterable[str]) -> str:
    """The text with every one of the secrets blotted out."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def post_alert(webhook: SecretStr, alert: dict[str, object]) -> None:
    """Post the alert; the URL, which often holds a token, is in no error.

    Raises:
        RecfeatError: nobody answers there, or the answer is no success.
    """
    try:
        answer = httpx.post(webhook.get_secret_value(), json=alert, timeout=10)
    except httpx.HTTPError as error:
        raise RecfeatError(
            f"The alert could not be posted ({type(error).__name__}): check RECFEAT_ALERT_WEBHOOK."
        ) from None
    if not answer.is_success:
        raise RecfeatError(
            f"The alert webhook answered {answer.status_code}: check RECFEAT_ALERT_WEBHOOK."
        )
