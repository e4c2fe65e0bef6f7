"""Print the table of damaged files: what is read of each, and what is said."""

from recfeat_pipeline_tests.unit.catalog.damaged import DAMAGED
from recfeat_pipeline_tests.unit.catalog.damaged.case import outcome, server

print("| the file | rows read | what is said |\n|---|--:|---|")
with server() as url:
    for each in DAMAGED:
        _, n_rows, sentence = outcome(each, url)
        print(f"| {each.what} | {n_rows} | {sentence or '–'} |")
