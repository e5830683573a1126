"""Base backups, the archive of WAL, and the way back. See docs/backup.md."""
