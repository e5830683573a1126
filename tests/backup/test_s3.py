"""The whole of it against an S3 server on loopback: the archiver's process, then a rehearsal."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from moto.server import ThreadedMotoServer

from ops.backup.catalogue import all_bases, prune
from ops.backup.storage import S3, Storage
from ops.backup.streams import Seal
from ops.environment import ROOT, replaced
from ops.errors import OpsError
from tests.backup.conftest import IDENTITY, RECIPIENT, House

pytestmark = pytest.mark.timeout(180)

KEY = S3(region="eu-west-1", key_id="AKIAEXAMPLE", secret="a-secret")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    boto3.client(
        "s3",
        endpoint_url=address,
        region_name=KEY.region,
        aws_access_key_id=KEY.key_id,
        aws_secret_access_key=KEY.secret,
    ).create_bucket(
        Bucket="holdfast", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    yield address
    server.stop()


@pytest.fixture
def bucket(endpoint: str) -> Storage:
    s3 = S3(endpoint, KEY.region, KEY.key_id, KEY.secret)
    return Storage("s3://holdfast/of/ours", Seal([RECIPIENT], IDENTITY), s3)


def test_archives_by_itself_and_a_rehearsal_succeeds(
    house: House, bucket: Storage, endpoint: str
) -> None:
    environment = replaced(
        os.environ,
        DATABASE_URL=house.servers.runtime_url(house.database),
        HOLDFAST_DATA=str(house.source.data),
        HOLDFAST_BACKUP_URL=bucket.url,
        HOLDFAST_BACKUP_DATABASE_URL=house.source.url,
        HOLDFAST_BACKUP_RECIPIENTS=RECIPIENT,
        HOLDFAST_BACKUP_IDENTITY=IDENTITY,
        HOLDFAST_BACKUP_SHIP_SECONDS="0.3",
        HOLDFAST_BACKUP_ENDPOINT=endpoint,
        HOLDFAST_BACKUP_REGION=str(KEY.region),
        HOLDFAST_BACKUP_KEY_ID=str(KEY.key_id),
        HOLDFAST_BACKUP_SECRET=str(KEY.secret),
    )
    archiver = subprocess.Popen(
        [sys.executable, "-m", "ops.backup.archive"], cwd=ROOT, env=environment
    )
    try:
        _wait(house, "backup", "IS NOT NULL")
        house.book(2)
        _wait(house, "wal-archive", f"> '{house.now().isoformat()}'")
        checked = subprocess.run(
            [sys.executable, "-m", "ops.backup", "check"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        archiver.send_signal(signal.SIGTERM)
        code = archiver.wait(30)
        with house.servers.admin() as admin:
            admin.execute("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots")

    assert code == 0
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert float(re.search(r"RPO +([0-9.]+) s", checked.stdout)[1]) < 60
    assert "all invariants hold" in checked.stdout
    assert "RPO" in checked.stdout
    assert "RTO" in checked.stdout
    assert house.run("SELECT 1 FROM heartbeats WHERE process = 'backup-check'")
    assert not list(house.source.workplace.glob("check-*"))
    (base,) = all_bases(bucket)
    mark = json.loads(bucket.get_plain(f"{base.folder}/backup.json"))
    assert mark["stored_as"].endswith(".age")


def test_a_large_file_goes_and_comes_in_parts_and_is_pruned(bucket: Storage) -> None:
    megabytes = [os.urandom(1_000_000) for _ in range(40)]

    name = bucket.put("base/7/large/base.tar.gz", megabytes)
    came = b"".join(bucket.get(name))
    gone = prune(bucket, days=30, now=datetime.now(UTC) + timedelta(days=2))

    assert came == b"".join(megabytes)
    assert name in gone
    assert name not in [each.name for each in bucket.files()]


def test_what_fails_on_the_way_is_not_stored(bucket: Storage) -> None:
    def failing() -> Iterator[bytes]:
        yield from (os.urandom(1_000_000) for _ in range(20))
        raise OpsError("the disk is gone")

    with pytest.raises(Exception, match="the disk is gone"):
        bucket.put("base/7/half/base.tar.gz", failing())

    assert not [each for each in bucket.files("base/7") if "half" in each.name]


def test_a_bucket_that_is_not_there_is_one_clear_line(endpoint: str) -> None:
    s3 = S3(endpoint, KEY.region, KEY.key_id, KEY.secret)
    missing = Storage("s3://nowhere/of/ours", s3=s3)

    with pytest.raises(OpsError, match="backup storage s3://nowhere/of/ours: cannot list"):
        all_bases(missing)


def _wait(house: House, process: str, condition: str) -> None:
    """Wait for a sign of life; the test's own time limit ends it otherwise."""
    question = f"SELECT 1 FROM heartbeats WHERE process = '{process}' AND seen_at {condition}"
    while not house.run(question):
        time.sleep(0.1)
