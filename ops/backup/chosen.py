"""The backups' part of the settings: what is copied, and where to."""

from sqlalchemy import make_url

from ops.backup.base import Source
from ops.backup.storage import S3, Storage
from ops.backup.streams import Seal
from ops.errors import OpsError
from settings import settings


def chosen_source() -> Source:
    """Return the server to copy."""
    return Source(
        url=settings.backup_database_url or settings.database_url,
        database=make_url(settings.database_url).database or "postgres",
        data=settings.data_dir,
    )


def chosen_storage(url: str | None = None) -> Storage:
    """Return where backups lie. Raises OpsError."""
    url = url or settings.backup_url
    if url is None:
        raise OpsError(
            "where to? Set HOLDFAST_BACKUP_URL to a folder or to s3://bucket/prefix (for `up` too)"
        )
    return Storage(
        url,
        Seal(settings.backup_recipients, settings.backup_identity),
        S3(
            settings.backup_endpoint,
            settings.backup_region,
            settings.backup_key_id,
            settings.backup_secret,
        ),
    )
