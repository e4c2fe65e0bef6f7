"""The report: figures, and one self-contained HTML page."""

from recfeat_pipeline.report.html import render_report

__all__ = ["render_report"]
