"""SMTP with TLS and a login, against a real server whose certificate a test authority signed."""

import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.messages.conftest import TIMEOUT_SECONDS
from tests.messages.mailserver import MailServer
from workers.post import SmtpPost, Unreachable, read_server

WAYS = ("smtps", "starttls")
SECRET = "correct horse"

Start = Callable[..., MailServer]


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start a mail server with TLS one way or the other; its authority is trusted."""
    servers: list[MailServer] = []

    def make(way: str, *, host: str = "localhost", is_trusted: bool = True) -> MailServer:
        context = _certified(tmp_path, host)
        if is_trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
        tls = {"ssl_context": context} if way == "smtps" else {"tls_context": context}
        is_inside = {"auth_require_tls": False} if way == "smtps" else {"require_starttls": True}
        server = MailServer(authenticator=_authenticate, **tls, **is_inside)
        server.start()
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.stop()


def post_to(server: MailServer, way: str, *, login: str = "", host: str = "localhost") -> SmtpPost:
    scheme, query = ("smtps", "") if way == "smtps" else ("smtp", "?starttls=auto")
    url = f"{scheme}://{login}{host}:{server.port}{query}"
    return SmtpPost(read_server(url), timeout=TIMEOUT_SECONDS)


@pytest.mark.parametrize("way", WAYS)
def test_a_mail_goes_through_tls_after_a_login(start: Start, way: str) -> None:
    server = start(way)

    post_to(server, way, login="user%40x:correct%20horse@").send(_mail(), name="1")

    (delivery,) = server.taken
    assert delivery.recipients == ["b@example.com"]
    assert delivery.is_encrypted
    assert delivery.login == "user@x"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("wrong", ["an unknown authority", "another host's name"])
def test_a_certificate_that_proves_nothing_gets_no_mail(start: Start, way: str, wrong: str) -> None:
    server = start(
        way,
        is_trusted=wrong != "an unknown authority",
        host="other.example" if wrong == "another host's name" else "localhost",
    )

    with pytest.raises(Unreachable, match="SSLCertVerificationError"):
        post_to(server, way, login="user%40x:correct%20horse@").send(_mail(), name="1")

    assert server.taken == []


@pytest.mark.parametrize("way", WAYS)
def test_a_login_that_is_refused_says_so_without_the_password(start: Start, way: str) -> None:
    server = start(way)

    with pytest.raises(Unreachable) as refused:
        post_to(server, way, login="user%40x:wrong-secret@").send(_mail(), name="1")

    assert refused.value.error == "SMTPAuthenticationError 535"
    assert server.taken == []


def test_no_password_is_given_to_a_server_that_offers_no_tls() -> None:
    asked: list[object] = []

    def notice(*_: object) -> AuthResult:
        asked.append(_)
        return AuthResult(success=True)

    server = MailServer(authenticator=notice, auth_require_tls=False)
    server.start()
    try:
        with pytest.raises(Unreachable, match="SMTPNotSupportedError"):
            post_to(server, "starttls", login="u:p@", host="127.0.0.1").send(_mail(), name="1")
    finally:
        server.stop()

    assert asked == []


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    assert isinstance(data, LoginPassword)
    is_right = (data.login, data.password) == (b"user@x", SECRET.encode())
    return AuthResult(success=is_right, handled=False, auth_data=data.login.decode())


def _mail() -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "a@example.com", "b@example.com", "x"
    mail.set_content("y")
    return mail


def _certified(folder: Path, host: str) -> ssl.SSLContext:
    """Make an authority and a certificate for a host; return the server's context."""
    authority, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority of the tests")])
    (folder / "authority.pem").write_bytes(
        _certificate(issuer, issuer, authority, authority, x509.BasicConstraints(True, 0))
    )
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    names = x509.SubjectAlternativeName([x509.DNSName(host)])
    (folder / "server.pem").write_bytes(
        _certificate(named, issuer, key, authority, names)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> bytes:
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
        .sign(signer, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)
