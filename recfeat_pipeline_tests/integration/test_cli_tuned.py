"""``--tune`` as a user meets it: searched, killed, gone on with, kept, and shown in the report."""

import re
import signal

from recfeat_pipeline.lake import Lake
from recfeat_pipeline.layout import REPORT
from recfeat_pipeline.models.arms import load_arms
from recfeat_pipeline.models.tuning import candidates, search_space
from recfeat_pipeline_tests.integration.cli_process import Running
from recfeat_pipeline_tests.integration.cli_world import run, write_catalog

TRIALS = 6
TUNED = ("run", "--arms", "tower", "--seeds", "0", "--steps", "30", "--tune", str(TRIALS))
FINISHED = re.compile(r'"trial_id":(\d+),"state":1,"values":\[([\d.e-]+)\]')


def finished(lake: Lake) -> dict[int, str]:
    """Trials that are done, and what each reached, as the search's journal has it."""
    texts = [path.read_text() for path in (lake.state / "tuning").rglob("trials.jsonl")]
    return {int(trial): mrr for text in texts for trial, mrr in FINISHED.findall(text)}


def test_a_killed_search_goes_on_and_its_choice_is_in_the_report(tmp_path, monkeypatch, capsys):
    write_catalog(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RECFEAT_LAKE", str(tmp_path / "lake"))
    lake = Lake(tmp_path / "lake")
    first = Running(tmp_path, *TUNED, "--catalog", "little.toml")
    first.wait_until(lambda: len(finished(lake)) > 1)
    first.send(signal.SIGKILL)
    done = finished(lake)
    assert len(done) < TRIALS, "killed during the search"

    # What was finished is taken at its word and not done again: so the journal is made to lie.
    [journal] = (lake.state / "tuning").rglob("trials.jsonl")
    trial = max(done)
    told = f'"trial_id":{trial},"state":1,"values":['
    journal.write_text(journal.read_text().replace(f"{told}{done[trial]}]", f"{told}0.999]"))
    assert run(capsys, *TUNED).code == 0

    note = lake.read_note("tuned", arm="tower")
    assert note["mrr"] == 0.999
    assert note["n_trials"] == TRIALS
    assert note["settings"] == candidates(search_space(load_arms()["tower"]), TRIALS)[trial]
    assert not list(lake.state.glob("tuning/arm=tower")), "the search's folder is gone"
    made = lake.read_note("made_from", arm="tower", seed="0")
    assert note["settings"].items() <= made["settings"].items()

    page = lake.read_bytes(REPORT).decode()
    table = page[page.index("Settings chosen on validation examples") :]
    shipped = load_arms()["tower"].settings
    changed = {k: v for k, v in note["settings"].items() if v != getattr(shipped, k)}
    assert changed
    for name, value in changed.items():
        assert f"{name} {value:.4g}" in table
    assert ("tower", "0", "fresh") in {
        (row["arm"], str(row["seed"]), row["state"])
        for row in run(capsys, "status", "--json").json["runs"]
    }
