"""`secrets` makes what belongs together, and never writes over anything."""

import ssl
from pathlib import Path

import pytest

from ops.deployment import TRIAL_SMTP, make_secrets
from ops.errors import OpsError


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    first = make_secrets(tmp_path / "secrets", host="localhost")
    before = _contents(tmp_path / "secrets")
    second = make_secrets(tmp_path / "secrets", host="localhost")

    assert sorted(first) == sorted(before)
    assert second == []
    assert _contents(tmp_path / "secrets") == before


def test_a_single_one_that_is_missing_is_made_anew(tmp_path: Path) -> None:
    make_secrets(tmp_path, host="localhost")
    (tmp_path / "metrics_token").unlink()

    assert make_secrets(tmp_path, host="localhost") == ["metrics_token"]


@pytest.mark.parametrize("name", ["redis_url", "postgres_password", "tls_key"])
def test_half_of_what_belongs_together_is_refused_by_name(tmp_path: Path, name: str) -> None:
    make_secrets(tmp_path, host="localhost")
    (tmp_path / name).unlink()
    before = _contents(tmp_path)

    with pytest.raises(OpsError, match=f"not {name}, which belong together"):
        make_secrets(tmp_path, host="localhost")

    assert _contents(tmp_path) == before


def test_two_installations_share_no_secret(tmp_path: Path) -> None:
    for name in ("one", "two"):
        make_secrets(tmp_path / name, host="localhost")
    one, two = _contents(tmp_path / "one"), _contents(tmp_path / "two")

    assert {name for name in one if one[name] == two[name]} == {"smtp_url"}


def test_only_their_owner_gets_into_the_folder(tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets", host="localhost")

    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700
    # The user of a container is another one; it sees its own of them alone.
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "secrets").iterdir()}
    assert modes == {0o644}


def test_mail_goes_where_it_is_told(tmp_path: Path) -> None:
    make_secrets(tmp_path / "own", host="localhost", smtp_url="smtps://mail.example.com:465")
    make_secrets(tmp_path / "trial", host="localhost")

    assert (tmp_path / "own" / "smtp_url").read_text().strip() == "smtps://mail.example.com:465"
    assert (tmp_path / "trial" / "smtp_url").read_text().strip() == TRIAL_SMTP


def test_certificate_and_key_fit_each_other(tmp_path: Path) -> None:
    make_secrets(tmp_path, host="book.example.com")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "tls_certificate", tmp_path / "tls_key")


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(OpsError, match=r"cannot write to .*file"):
        make_secrets(tmp_path / "file", host="localhost")


def _contents(folder: Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir()}
