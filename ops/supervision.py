"""supervisord: its configuration out of our programs, and talking to it while it runs."""

import os
import secrets
import shlex
import subprocess
import sys
import tempfile
import time
import xmlrpc.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from ops.environment import ROOT
from ops.errors import OpsError
from ops.folder import DataFolder
from ops.identity import leashed
from ops.throwaway import last_lines

# Programs of one group are stopped together, the groups one after the other, the last one first.
SERVERS, PRODUCT = "servers", "product"
LONGEST_SOCKET_PATH = 90


@dataclass(frozen=True, slots=True)
class Program:
    """One process to keep alive, the group it belongs to, and how it is asked to end."""

    name: str
    command: list[str]
    group: str = PRODUCT
    stop_signal: str = "TERM"
    stop_seconds: int = 10
    environment: dict[str, str] = field(default_factory=dict, repr=False)


class Supervisor:
    """A running supervisord and the programs that it was given."""

    def __init__(self, folder: DataFolder, programs: Iterable[Program]) -> None:
        self._folder = folder
        self._programs = list(programs)
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = _socket_path(folder.path / "supervisor.sock")
        self._login = ("up", secrets.token_urlsafe(16))

    def start(self, environment: Mapping[str, str]) -> None:
        """Run supervisord; its programs wait for start_group(). Raises OpsError."""
        self._socket.unlink(missing_ok=True)
        configuration = self._folder.path / "supervisor.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configuration())
        command = [sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(configuration)]
        self._process = subprocess.Popen(
            leashed(command),
            cwd=ROOT,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C in the terminal is for `up` alone, which then stops us in order.
            start_new_session=True,
        )
        self._wait_until_it_answers()

    def start_group(self, group: str) -> None:
        """Start the programs of a group without waiting for them."""
        self._call("startProcessGroup", group, False)

    def states(self) -> dict[str, str]:
        """Return the state of each program by name, as supervisord calls it."""
        return {each["name"]: each["statename"] for each in self._call("getAllProcessInfo")}

    def failed(self, group: str) -> str | None:
        """Return one line on a program of the group that has ended although it should run."""
        states = self.states()
        for program in self._programs:
            if program.group == group and states[program.name] in ("BACKOFF", "EXITED", "FATAL"):
                return f"{program.name} ended: {last_lines(self.log_of(program.name))}"
        return None

    def revive(self) -> list[str]:
        """Start again what supervisord has given up; return the names."""
        given_up = [name for name, state in self.states().items() if state == "FATAL"]
        for program in self._programs:
            if program.name in given_up:
                self._call("startProcess", f"{program.group}:{program.name}", False)
        return given_up

    def kill(self, name: str) -> None:
        """Kill a program, which is then started again."""
        for program in self._programs:
            if program.name == name:
                self._call("signalProcess", f"{program.group}:{name}", "KILL")

    @property
    def pid(self) -> int | None:
        """Return the process id of supervisord."""
        return self._process.pid if self._process else None

    def is_alive(self) -> bool:
        """Tell whether supervisord itself still runs."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Stop the product, then the servers, then supervisord. Returns when all have ended."""
        if self._process is None:
            return
        longest = sum(
            max((each.stop_seconds for each in self._programs if each.group == group), default=0)
            for group in (PRODUCT, SERVERS)
        )
        self._process.terminate()
        try:
            self._process.wait(longest + 5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._socket.unlink(missing_ok=True)
        if self._socket.parent != self._folder.path:
            self._socket.parent.rmdir()
        self._process = None

    def log_of(self, name: str) -> Path:
        """Return the log file of a program."""
        return self._folder.logs / f"{name}.log"

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 10
        while True:
            try:
                self._call("getState")
                return
            except OpsError:
                if not self.is_alive() or time.monotonic() > deadline:
                    log = self._folder.logs / "supervisor.log"
                    raise OpsError(f"supervisord does not start; see {log}") from None
                time.sleep(0.02)

    def _call(self, method: str, *arguments: object) -> Any:
        # A connection of its own each time: one that has failed once is of no more use.
        transport = SupervisorTransport(*self._login, f"unix://{self._socket}")
        remote = xmlrpc.client.ServerProxy("http://127.0.0.1", transport).supervisor
        try:
            return getattr(remote, method)(*arguments)
        except (OSError, HTTPException, xmlrpc.client.Error) as error:
            raise OpsError(f"supervisord does not answer ({method}): {error}") from None
        finally:
            transport.close()

    def _configuration(self) -> str:
        logs = self._folder.logs
        user, password = self._login
        sections = [
            _section(
                "supervisord",
                # It warns of running as root unless told that this is meant.
                **({"user": "root"} if os.geteuid() == 0 else {}),
                logfile=logs / "supervisor.log",
                logfile_maxbytes="2MB",
                pidfile=self._folder.path / "supervisor.pid",
                umask="077",
                minfds=4096,
            ),
            _section(
                "unix_http_server",
                file=self._socket,
                chmod="0600",
                username=user,
                password=password,
            ),
            _section(
                "rpcinterface:supervisor",
                **{
                    "supervisor.rpcinterface_factory": (
                        "supervisor.rpcinterface:make_main_rpcinterface"
                    )
                },
            ),
        ]
        for priority, group in enumerate((SERVERS, PRODUCT)):
            names = [each.name for each in self._programs if each.group == group]
            if names:
                sections.append(
                    _section(f"group:{group}", programs=",".join(names), priority=priority)
                )
        sections += [self._program(each) for each in self._programs]
        return "\n".join(sections)

    def _program(self, program: Program) -> str:
        return _section(
            f"program:{program.name}",
            command=shlex.join(program.command),
            directory=ROOT,
            autostart="false",
            autorestart="true",
            startsecs=1,
            startretries=5,
            stopsignal=program.stop_signal,
            stopwaitsecs=program.stop_seconds,
            killasgroup="true",
            redirect_stderr="true",
            stdout_logfile=self.log_of(program.name),
            stdout_logfile_maxbytes="5MB",
            stdout_logfile_backups=2,
            **({"environment": _quoted(program.environment)} if program.environment else {}),
        )


def _section(title: str, **values: object) -> str:
    lines = [f"{name}={str(value).replace('%', '%%')}" for name, value in values.items()]
    return "\n".join([f"[{title}]", *lines, ""])


def _quoted(environment: Mapping[str, str]) -> str:
    """Write values as supervisord reads them: whatever is no letter has to be between quotes."""
    marks = {name: "'" if '"' in value else '"' for name, value in environment.items()}
    return ",".join(
        f"{name}={marks[name]}{value}{marks[name]}" for name, value in environment.items()
    )


def _socket_path(wanted: Path) -> Path:
    """Return the path itself, or a short one in place of one that no socket can have."""
    if len(str(wanted)) <= LONGEST_SOCKET_PATH:
        return wanted
    return Path(tempfile.mkdtemp(prefix="holdfast-")) / wanted.name
