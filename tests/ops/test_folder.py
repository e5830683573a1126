"""The data folder keeps secrets to itself and lets one `up` in at a time."""

import stat
from pathlib import Path

import pytest

from ops.errors import OpsError
from ops.folder import DataFolder
from ops.postgres import check_version, major_version


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path / "data")
    made.make()
    return made


def test_secrets_are_made_once(folder: DataFolder) -> None:
    assert folder.secrets() == folder.secrets()


def test_secrets_are_for_their_owner_alone(folder: DataFolder) -> None:
    folder.secrets()

    assert stat.S_IMODE((folder.path / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_secrets_are_not_shown(folder: DataFolder) -> None:
    secrets = folder.secrets()

    assert secrets.secret_key not in repr(secrets)


def test_lost_secrets_are_not_replaced_beside_a_cluster(folder: DataFolder) -> None:
    folder.cluster.mkdir()
    (folder.cluster / "PG_VERSION").write_text("18\n")

    with pytest.raises(OpsError, match=r"secrets\.json is missing"):
        folder.secrets()


def test_a_second_up_is_kept_out(folder: DataFolder) -> None:
    with folder.locked(), pytest.raises(OpsError, match="another `up` runs"), folder.locked():
        pass


def test_what_a_killed_up_told_is_not_believed(folder: DataFolder) -> None:
    folder.tell({"base_url": "http://127.0.0.1:1"})

    with folder.locked():
        assert folder.running() == {"base_url": "http://127.0.0.1:1"}
    assert folder.running() is None


def test_a_cluster_of_another_version_is_refused(folder: DataFolder) -> None:
    folder.cluster.mkdir()
    (folder.cluster / "PG_VERSION").write_text("9\n")

    with pytest.raises(OpsError, match=f"written by PostgreSQL 9, this is {major_version()}"):
        check_version(folder.cluster)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(OpsError, match="cannot write to the data folder"):
        DataFolder(tmp_path / "file" / "data").make()
