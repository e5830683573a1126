"""What `up` says when all of it answers."""

from urllib.parse import urlsplit

from ops import screen
from ops.environment import Facts, given
from ops.folder import DataFolder, Secrets
from ops.ports import LOOPBACK
from ops.stores import Stores


def show_addresses(
    folder: DataFolder,
    facts: Facts,
    stores: Stores,
    secrets: Secrets,
    *,
    port: int,
    flower: tuple[str, str],
    seconds: float,
) -> None:
    """Print the table of addresses and logins."""
    web = f"http://{LOOPBACK}:{port}"
    flower_url, flower_login = flower
    is_chosen = given("HOLDFAST_OWNER_PASSWORD") is not None
    password = "(HOLDFAST_OWNER_PASSWORD)" if is_chosen else secrets.first_owner_password
    screen.table(
        f"\nHoldfast is ready, after {seconds:.1f} s",
        [
            ("Pages", f"{web}/"),
            ("API", f"{web}/api/v1/"),
            ("API documentation", f"{web}/api-docs"),
            ("Admin", f"{web}/admin/"),
            ("  first owner", f"{facts.owner_email} / {password}"),
            ("Flower", flower_url),
            ("  login", flower_login.replace(":", " / ", 1)),
            ("PostgreSQL", without_password(stores.runtime_url)),
            ("Redis", without_password(stores.redis_url)),
            ("Data, logs, mail", str(folder.path)),
        ],
    )
    screen.out.print("Ctrl-C stops everything.\n")


def without_password(url: str) -> str:
    """Return an address that may be shown."""
    parts = urlsplit(url)
    login, at, place = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    return parts._replace(netloc=f"{user}{at if user else ''}{place}", query="").geturl()
