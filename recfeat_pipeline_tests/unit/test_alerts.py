import pytest
from pydantic import SecretStr

from recfeat_pipeline.alerts import HIDDEN, failure_alert, post_alert, without_secrets
from recfeat_pipeline.errors import RecfeatError
from recfeat_pipeline.settings import Settings
from recfeat_pipeline_tests.servers.webhook import Webhook


@pytest.fixture
def webhook():
    with Webhook() as server:
        yield server


ALERT = failure_alert("/lake", "0123456789", "refresh_text", ["lake/tmdb"], ["TMDB is down."])


def test_an_alert_says_where_and_why():
    assert ALERT["text"] == "recfeat: lake/tmdb failed in run 01234567. TMDB is down."
    assert ALERT["run_id"] == "0123456789"
    crashed = failure_alert("/lake", "0123456789", "refresh_text", [], [])
    assert crashed["text"] == "recfeat: refresh_text failed in run 01234567. The run says why."


def test_it_is_posted_as_json(webhook):
    post_alert(SecretStr(webhook.url), ALERT)
    assert webhook.posted == [ALERT]


def test_a_refusal_is_an_error_that_does_not_show_the_url(webhook):
    webhook.status = 403
    with pytest.raises(RecfeatError, match="answered 403") as refused:
        post_alert(SecretStr(webhook.url), ALERT)
    assert "T0K3N" not in str(refused.value)


def test_an_unreachable_webhook_is_an_error_that_does_not_show_the_url():
    with pytest.raises(RecfeatError, match="could not be posted") as unreachable:
        post_alert(SecretStr("http://127.0.0.1:1/T0K3N"), ALERT)
    assert "T0K3N" not in str(unreachable.value)
    assert unreachable.value.__cause__ is None
    assert unreachable.value.__suppress_context__


def test_every_secret_of_the_settings_is_blotted_out(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one")
    monkeypatch.setenv("TMDB_API_KEY", "two")
    monkeypatch.setenv("RECFEAT_ALERT_WEBHOOK", "http://hooks/three")
    text = "sk-one said no to two at http://hooks/three"
    assert without_secrets(text, Settings()) == f"{HIDDEN} said no to {HIDDEN} at {HIDDEN}"
