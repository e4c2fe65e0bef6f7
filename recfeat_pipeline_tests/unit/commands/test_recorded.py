"""What a run records of its command line: enough to do it again, and nothing secret."""

import shlex

from pydantic import SecretStr

from recfeat_pipeline.commands.recorded import record
from recfeat_pipeline.settings import Settings, variables


def test_the_command_and_its_settings_can_be_pasted_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    environment = {"RECFEAT_LAKE": "my lake", "RECFEAT_THREADS": "2", "HOME": "/home/ann"}
    note = record(["run", "--catalog", "gift cards.toml", "--seeds", "0,1"], environment)
    assert note["lines"] == [
        f"cd {tmp_path}",
        "export RECFEAT_LAKE='my lake'",
        "export RECFEAT_THREADS=2",
        "recfeat run --catalog 'gift cards.toml' --seeds 0,1",
    ]
    assert shlex.split(note["lines"][-1])[3] == "gift cards.toml"


def test_no_secret_is_recorded_whichever_variable_or_argument_holds_it():
    secrets = [
        name
        for field, info in Settings.model_fields.items()
        if "SecretStr" in str(info.annotation) or info.annotation is SecretStr
        for name in variables(field)
    ]
    assert len(secrets) >= 5
    for name in secrets:
        note = record(["run"], {name: "hush-hush"})
        assert (note["lines"][1:], note["withheld"]) == (["recfeat run"], [name])
    others = {
        name: "https://ann:hush-hush@host:8000/v1?token=hush-hush"
        for field in Settings.model_fields
        for name in variables(field)
        if name not in secrets
    }
    words = ["run", "--catalog=s3://key:hush-hush@bucket/c.toml", others["RECFEAT_LAKE"]]
    note = record(words, others)
    assert "hush-hush" not in str(note)
    assert "--catalog=s3://bucket/c.toml" in note["lines"][-1]
    assert "RECFEAT_CONTACT" in note["withheld"]
