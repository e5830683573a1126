"""Files in a bucket, on an S3 server on loopback."""

from collections.abc import Iterator
from datetime import timedelta

import boto3
import pytest
from moto.server import ThreadedMotoServer

from models import FileFormat, ReportKind, Venue
from reports import files as report_files
from reports import writing
from reports.asking import read_report
from reports.files import read_file, remove_orphans
from storage import S3, Files, StorageError
from tests.factories import make_booking, make_resource, make_slot
from tests.reports.conftest import ask, make_all

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
        Bucket="holdfast-reports", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    yield address
    server.stop()


def bucket(endpoint: str, url: str = "s3://holdfast-reports/of/ours") -> Files:
    s3 = S3(endpoint, KEY.region, KEY.key_id, KEY.secret)
    return Files(url, s3, patience=timedelta(seconds=1))


@pytest.fixture
def stored(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Files:
    made = bucket(endpoint)
    for module in (writing, report_files):
        monkeypatch.setattr(module, "files", lambda: made)
    return made


def test_reports_go_there_are_fetched_and_removed(
    venue: Venue, stored: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "PART_ROWS", 2)
    slot = make_slot(make_resource(venue))
    expected = [make_booking(slot, quantity=1).reference for _ in range(3)]
    listed = ask(venue, ReportKind.BOOKINGS)
    book = ask(venue, ReportKind.OCCUPANCY, FileFormat.XLSX)

    make_all()

    content = b"".join(read_file(read_report(key=listed))).decode()
    assert [line.split(",")[0] for line in content.splitlines()[1:]] == expected
    assert b"".join(read_file(read_report(key=book))).startswith(b"PK")
    assert len(list(stored.files("reports"))) == 3
    assert remove_orphans() == 0
    report_files.remove_files(listed)
    assert len(list(stored.files("reports"))) == 1
    with pytest.raises(StorageError, match="cannot read"):
        b"".join(read_file(read_report(key=listed)))


def test_readiness_tells_a_bucket_that_answers_from_one_that_is_not_there(endpoint: str) -> None:
    assert bucket(endpoint).answers()
    assert not bucket(endpoint, "s3://nowhere").answers()
    assert not bucket("http://127.0.0.1:1").answers()
