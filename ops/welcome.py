"""What `up` says when all of it answers."""

from urllib.parse import urlsplit

from ops import screen
from ops.environment import given
from ops.plan import Plan


def show_addresses(plan: Plan, *, seconds: float) -> None:
    """Print the table of addresses and logins."""
    is_chosen = given("HOLDFAST_OWNER_PASSWORD") is not None
    password = "(HOLDFAST_OWNER_PASSWORD)" if is_chosen else plan.secrets.first_owner_password
    screen.table(
        f"\nHoldfast is ready, after {seconds:.1f} s",
        [
            ("Pages", f"{plan.web_url}/"),
            ("API", f"{plan.web_url}/api/v1/"),
            ("API documentation", f"{plan.web_url}/api-docs"),
            ("Admin", f"{plan.web_url}/admin/"),
            ("  first owner", f"{plan.facts.owner_email} / {password}"),
            ("Flower", plan.flower_url),
            ("  login", plan.flower_login.replace(":", " / ", 1)),
            ("PostgreSQL", without_password(plan.stores.runtime_url)),
            ("Redis", without_password(plan.stores.redis_url)),
            ("Data, logs, mail", str(plan.folder.path)),
        ],
    )
    screen.out.print("Ctrl-C stops everything.\n")


def without_password(url: str) -> str:
    """Return an address that may be shown."""
    parts = urlsplit(url)
    login, at, place = parts.netloc.rpartition("@")
    user = login.partition(":")[0]
    return parts._replace(netloc=f"{user}{at if user else ''}{place}", query="").geturl()
