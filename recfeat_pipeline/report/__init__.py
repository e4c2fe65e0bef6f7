"""The report: figures, and one self-contained HTML page."""

from recfeat_pipeline.report.html import write_report

__all__ = ["write_report"]
