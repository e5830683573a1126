"""Inner program: do the migrations lead to what the models say? One line a difference."""

import sys
import tempfile
from pathlib import Path

from ops.template import schema_differences
from ops.throwaway import servers


def main() -> int:
    """Compare on servers that are thrown away; return the exit code."""
    with (
        tempfile.TemporaryDirectory(prefix="holdfast-drift-") as place,
        servers(Path(place)) as found,
    ):
        differences = schema_differences(found)
    for line in differences:
        print(line)
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
