"""Telling a webhook that a run failed: what an operator's chat or pager shows."""

from collections.abc import Iterable, Sequence

import httpx
from pydantic import SecretStr

from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.settings import Settings

HIDDEN = "•••"


def failure_alert(
    lake: str, run_id: str, job: str, steps: Sequence[str], reasons: Sequence[str]
) -> dict[str, object]:
    """The JSON that is posted; ``text`` is what Slack and its likes show.

    Args:
        lake: its root.
        run_id: of the failed run.
        job: its name.
        steps: that failed.
        reasons: one sentence each, free of secrets (see :func:`without_secrets`).
    """
    where = ", ".join(steps) or job
    why = " ".join(reasons) or "The run says why."
    return {
        "text": f"recfeat: {where} failed in run {run_id[:8]}. {why}",
        "lake": lake,
        "run_id": run_id,
        "job": job,
        "steps": list(steps),
        "reasons": list(reasons),
    }


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
