"""One list of bookings made by the code of the worker, in a process of its own; prints JSON."""

import json
import resource
import sys
import time
from datetime import date

from booking.actors import SYSTEM
from models import FileFormat, ReportKind
from reports.asking import Wanted, ask_for_report, read_report
from reports.writing import make_reports


def main(form: str) -> None:
    """Ask for all bookings of the first venue, make the report and tell how it went."""
    days = date(2025, 1, 1), date(2027, 12, 31)
    wanted = Wanted(1, ReportKind.BOOKINGS, FileFormat(form), *days, SYSTEM)
    key = ask_for_report(wanted)
    began = time.perf_counter()
    while read_report(key=key).state in ("waiting", "running"):
        make_reports(time.monotonic() + 20)
    seconds = time.perf_counter() - began
    report = read_report(key=key)
    found = {
        "state": report.state,
        "error": report.error,
        "rows": report.rows_done,
        "parts": len(report.files),
        "megabytes": round(report.bytes / 1e6, 1),
        "seconds": round(seconds, 2),
        "rows_a_second": round(report.rows_done / seconds),
        "memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
