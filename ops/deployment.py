"""`secrets`: what docker-compose.yml asks for as files, made once and never written over."""

import hashlib
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ops.errors import OpsError
from ops.roles import DATABASE, OWNER, RUNTIME

SUPERUSER = "holdfast_admin"
# What the application may do with Redis: work with keys, channels and scripts. It may not change
# the server, empty it or list its keys. `health` may ask whether the server answers.
ACL = (
    "user default off",
    "user health on nopass resetkeys resetchannels -@all +ping",
    "user holdfast on #{digest} ~* &* +@all -@admin -@dangerous +info",
)
# The server name of the mail catcher, see docker-compose.yml.
TRIAL_SMTP = "smtp://mail-catcher:1025?starttls=off"
CERTIFICATE_DAYS = 90

Makers = dict[tuple[str, ...], Callable[[], tuple[str, ...]]]


def make_secrets(folder: Path, *, host: str, smtp_url: str | None = None) -> list[str]:
    """Make what is missing; return the names of the files made. Raises OpsError.

    What belongs together, such as a password and the address it is part of, is made together: where
    one of them is there and another is not, nothing is made.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return [
            name
            for names, make in _makers(host, smtp_url).items()
            for name in _fill(folder, names, make)
        ]
    except OSError as error:
        raise OpsError(f"cannot write to {folder}: {error.strerror}") from None


def _fill(folder: Path, names: tuple[str, ...], make: Callable[[], tuple[str, ...]]) -> list[str]:
    there = [name for name in names if (folder / name).exists()]
    if there and len(there) < len(names):
        missing = ", ".join(sorted(set(names) - set(there)))
        raise OpsError(
            f"{folder} has {', '.join(there)} and not {missing}, which belong together: put back"
            " what is missing, or remove what is there"
        )
    if there:
        return []
    for name, content in zip(names, make(), strict=True):
        # The folder keeps other users of this machine out. The files are readable because each
        # container sees its own of them, under a user id that is not yours.
        (folder / name).write_text(content + "\n")
        (folder / name).chmod(0o644)
    return list(names)


def _makers(host: str, smtp_url: str | None) -> Makers:
    return {
        ("secret_key",): lambda: (secrets.token_urlsafe(48),),
        (
            "postgres_password",
            "admin_database_url",
            "owner_database_url",
            "database_url",
        ): _database,
        ("redis_acl", "redis_url"): _redis,
        ("owner_password",): lambda: (secrets.token_urlsafe(12),),
        ("operator_login",): lambda: (f"operator:{secrets.token_urlsafe(16)}",),
        ("metrics_token",): lambda: (secrets.token_urlsafe(32),),
        ("smtp_url",): lambda: (smtp_url or TRIAL_SMTP,),
        ("tls_certificate", "tls_key"): lambda: _certificate(host),
    }


def _database() -> tuple[str, ...]:
    admin, owner, runtime = (secrets.token_urlsafe(32) for _ in range(3))
    return (
        admin,
        f"postgresql://{SUPERUSER}:{admin}@postgres:5432/postgres",
        f"postgresql://{OWNER}:{owner}@postgres:5432/{DATABASE}",
        f"postgresql://{RUNTIME}:{runtime}@postgres:5432/{DATABASE}",
    )


def _redis() -> tuple[str, ...]:
    password = secrets.token_urlsafe(32)
    digest = hashlib.sha256(password.encode()).hexdigest()
    lines = "\n".join(ACL).format(digest=digest)
    return lines, f"redis://holdfast:{password}@redis:6379/0"


def _certificate(host: str) -> tuple[str, ...]:
    """Return a certificate that nobody has signed but itself, for trying out, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=CERTIFICATE_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    return public.decode().strip(), private.decode().strip()
