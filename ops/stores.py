"""Where the rows and the messages are: in servers of our own making, or in the caller's."""

from dataclasses import dataclass, field

import psycopg

from ops import own_broker, own_database, screen
from ops.environment import given
from ops.folder import DataFolder, Secrets
from ops.ports import LOOPBACK, free_port
from ops.postgres import Cluster
from ops.roles import BACKUP, DATABASE, OWNER, RUNTIME, has_database, make_database, make_roles
from ops.valkey import Valkey

# What makes the server keep WAL until it is archived.
ARCHIVE_SLOT = "holdfast_backup"


@dataclass(frozen=True, slots=True)
class Stores:
    """The addresses of the database, for each of its roles, and of the broker."""

    owner_url: str = field(repr=False)
    runtime_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    backup_url: str = field(repr=False)
    cluster: Cluster | None
    valkey: Valkey | None


def is_embedded_database() -> bool:
    """Tell whether the caller named no database."""
    return given("DATABASE_URL") is None


def choose_stores(folder: DataFolder, secrets: Secrets) -> Stores:
    """Return the caller's servers, checked, or embedded ones on free ports. Raises OpsError."""
    cluster = valkey = None
    if is_embedded_database():
        cluster = Cluster(
            folder.cluster,
            free_port(set(), of=f"postgres {folder.path}"),
            secrets.superuser_password,
        )
        owner_url = _url(OWNER, secrets.owner_role_password, cluster.port)
        runtime_url = _url(RUNTIME, secrets.runtime_role_password, cluster.port)
        backup_url = _url(BACKUP, secrets.backup_role_password, cluster.port, "postgres")
    else:
        backup_url = given("HOLDFAST_BACKUP_DATABASE_URL") or given("DATABASE_URL") or ""
        owner_url, runtime_url = _own_database(given("SECRET_KEY") or secrets.secret_key)
    redis_url = given("REDIS_URL")
    if redis_url is None:
        taken = {cluster.port} if cluster else set()
        valkey = Valkey(
            folder.path / "valkey",
            free_port(taken, of=f"valkey {folder.path}"),
            secrets.redis_password,
        )
        redis_url = valkey.url()
    else:
        own_broker.check_broker(redis_url)
    return Stores(owner_url, runtime_url, redis_url, backup_url, cluster, valkey)


def make_first_database(cluster: Cluster, secrets: Secrets, *, backs_up: bool = False) -> None:
    """Make the roles and the database in an embedded server; a second call changes nothing.

    Where backups were switched off, no WAL is kept for them any more.
    """
    with psycopg.connect(cluster.url(), autocommit=True) as admin:
        make_roles(
            admin,
            owner_password=secrets.owner_role_password,
            runtime_password=secrets.runtime_role_password,
            backup_password=secrets.backup_role_password,
        )
        if not has_database(admin, DATABASE):
            make_database(admin, DATABASE)
        if not backs_up:
            admin.execute(
                "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
                " WHERE slot_name = %s AND NOT active",
                [ARCHIVE_SLOT],
            )


def _own_database(secret_key: str) -> tuple[str, str]:
    url, owner_url = given("DATABASE_URL") or "", given("HOLDFAST_OWNER_DATABASE_URL")
    own_database.check_server(url, "DATABASE_URL")
    if owner_url:
        own_database.check_server(owner_url, "HOLDFAST_OWNER_DATABASE_URL")
        return owner_url, url
    lesser = own_database.runtime_url(url, secret_key)
    if lesser is None:
        screen.note(
            "the user of DATABASE_URL may not make roles: everything runs as the owner of the"
            " schema (see HOLDFAST_OWNER_DATABASE_URL)"
        )
    return url, lesser or url


def _url(role: str, password: str, port: int, database: str = DATABASE) -> str:
    return f"postgresql://{role}:{password}@{LOOPBACK}:{port}/{database}"
