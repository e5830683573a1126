"""Inner program: read the settings before anything starts, and tell `up` what it needs to know.

Prints one JSON object, or one line that names the wrong setting.
"""

import json
import sys


def main() -> None:
    """Print the facts; exit 1 with the reason where a setting is wrong."""
    try:
        from settings import settings
    except Exception as error:  # noqa: BLE001  (whatever it is, `up` must say it in one line)
        sys.exit(str(error))
    facts = {
        "bind": settings.bind,
        "data_dir": str(settings.data_dir.absolute()),
        "decide_workers": settings.decide_workers,
        "other_workers": settings.other_workers,
        "owner_email": settings.owner_email,
        "base_url": settings.base_url,
        "backs_up": settings.backup_url is not None,
        "secret_key": settings.secret_key,
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    main()
