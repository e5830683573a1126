"""How reports read on the screen."""

from models import Every, FileFormat, Report, ReportState
from reports.making import GAVE_UP, TOO_LONG

FORMAT_WORDS = {
    FileFormat.CSV: "CSV",
    FileFormat.JSON: "JSON",
    FileFormat.XLSX: "Workbook (XLSX)",
    FileFormat.PDF: "PDF",
}

STATE_WORDS = {
    ReportState.WAITING: "Waiting",
    ReportState.RUNNING: "Being made",
    ReportState.DONE: "Ready",
    ReportState.FAILED: "Failed",
    ReportState.CANCELLED: "Cancelled",
    ReportState.REMOVED: "Removed",
}

EVERY_WORDS = {
    Every.DAY: "every day",
    Every.WEEK: "every Monday",
    Every.MONTH: "on the first of the month",
}

_ERROR_WORDS = {
    TOO_LONG: "This format does not take so many rows: choose fewer days, or CSV.",
    GAVE_UP: "It could not be made after several attempts.",
}


def error_words(row: Report) -> str:
    """Write why a report has failed, or fails for the moment."""
    if row.error is None or row.state == ReportState.DONE:
        return ""
    if row.state != ReportState.FAILED:
        return "An attempt has failed; it is tried again."
    return _ERROR_WORDS.get(row.error, f"It could not be made ({row.error}).")


def size(count: int) -> str:
    """Write a number of bytes: `820 bytes`, `12 KB`, `3.4 MB`."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} KB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"
