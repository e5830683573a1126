"""What one start is to run, and with which addresses: decided before anything of it runs."""

from dataclasses import dataclass, field
from pathlib import Path

from ops.environment import (
    MARK,
    Facts,
    common,
    for_backup,
    read_settings,
    replaced,
    without_owner,
)
from ops.folder import DataFolder, Secrets
from ops.ports import EVERYWHERE, LOOPBACK, free_port, is_free
from ops.programs import FLOWER_USER, archive_program, product_programs, server_programs
from ops.stores import Stores, choose_stores
from ops.supervision import Program

TOLD = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SMTP_URL")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asked for."""

    data: Path
    port: int
    workers: int | None
    samples: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """The servers, the settings and the ports of one start."""

    wanted: Wanted
    folder: DataFolder
    secrets: Secrets
    stores: Stores
    facts: Facts
    flower_port: int
    environment: dict[str, str] = field(repr=False)

    @property
    def web_host(self) -> str:
        """Return the address under which this machine reaches the web server."""
        return LOOPBACK if self.facts.bind in EVERYWHERE else self.facts.bind

    @property
    def web_url(self) -> str:
        """Return the address of the pages as this machine sees it."""
        host = f"[{self.web_host}]" if ":" in self.web_host else self.web_host
        return f"http://{host}:{self.wanted.port}"

    @property
    def flower_url(self) -> str:
        """Return the address of Flower, which listens on loopback alone."""
        return f"http://{LOOPBACK}:{self.flower_port}"

    @property
    def flower_login(self) -> str:
        """Return the login of Flower, as `user:password`."""
        return f"{FLOWER_USER}:{self.secrets.flower_password}"

    def programs(self) -> list[Program]:
        """Return every process that supervisord is to keep alive."""
        backup = [archive_program(for_backup(self.environment))] if self.facts.backs_up else []
        return [
            *server_programs(self.stores.cluster, self.stores.valkey),
            *product_programs(self.facts, flower_port=self.flower_port),
            *backup,
        ]

    def process_environment(self) -> dict[str, str]:
        """Return the environment of the processes, which never see the owner of the schema."""
        return (
            {"HOLDFAST_FLOWER_URL": self.flower_url}
            | without_owner(self.environment)
            | {"FLOWER_BASIC_AUTH": self.flower_login}
        )

    def lost_a_port(self) -> bool:
        """Tell whether somebody else took a port that was meant for an embedded server."""
        servers = (self.stores.cluster, self.stores.valkey)
        return any(server and not is_free(server.port) for server in servers)

    def told(self) -> dict[str, object]:
        """Return what another command needs to work on this installation."""
        return {
            "base_url": self.web_url,
            "flower_url": self.flower_url,
            "flower_login": self.flower_login,
            "owner_database_url": self.stores.owner_url,
            "environment": {
                name: value
                for name, value in without_owner(self.environment).items()
                if name != MARK
                and (name.startswith("HOLDFAST_") or name.removesuffix("_FILE") in TOLD)
            },
            "backup_environment": for_backup(self.environment),
        }


def make_plan(wanted: Wanted, folder: DataFolder, secrets: Secrets) -> Plan:
    """Choose servers and ports, and read the settings. Starts nothing. Raises OpsError."""
    stores = choose_stores(folder, secrets)
    environment = common(folder, secrets, port=wanted.port, embedded=stores.cluster is not None)
    if wanted.workers is not None:
        environment = replaced(environment, HOLDFAST_DECIDE_WORKERS=str(wanted.workers))
    environment = replaced(
        environment,
        DATABASE_URL=stores.runtime_url,
        HOLDFAST_OWNER_DATABASE_URL=stores.owner_url,
        REDIS_URL=stores.redis_url,
        HOLDFAST_BACKUP_DATABASE_URL=stores.backup_url,
    )
    taken = {wanted.port, *(each.port for each in (stores.cluster, stores.valkey) if each)}
    return Plan(
        wanted=wanted,
        folder=folder,
        secrets=secrets,
        stores=stores,
        facts=read_settings(environment),
        flower_port=free_port(taken, of=f"flower {folder.path}"),
        environment=environment,
    )
