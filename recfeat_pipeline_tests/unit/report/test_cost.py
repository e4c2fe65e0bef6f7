"""What the report says of cost, by the token and by the hour."""

from recfeat_pipeline.report.blocks import Paragraph, Table
from recfeat_pipeline.report.sections.cost import cost

ESTIMATE = {"model": "my-own", "documents": 1420, "cost_usd": 4.2, "hours": 1.4}


def told(inputs) -> tuple[str, list[str]]:
    blocks = cost(inputs).blocks
    text = " ".join(block.text for block in blocks if isinstance(block, Paragraph))
    takes = next(b for b in blocks if isinstance(b, Table) and b.name == "feasibility")
    return text, [row[0] for row in takes.rows]


def test_a_machine_by_the_hour_is_said_and_has_no_price_in_batches(read):
    text, rows = told(read(estimate={**ESTIMATE, "usd_per_hour": 2.5}))
    assert "my-own runs on a machine at $2.50 an hour" in text
    assert "This corpus, my-own" in rows
    assert "This corpus, my-own in batches" not in rows


def test_a_model_by_the_token_has_no_hours_price(read):
    text, rows = told(read(estimate=ESTIMATE))
    assert "an hour" not in text
    assert "This corpus, my-own in batches" in rows
