"""Mails in the data folder, where there is no mail server: they go by age and by address."""

import time
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

from settings import settings

FOLDER = settings.data_dir / "mail"


def remove_old(age: timedelta, folder: Path = FOLDER) -> int:
    """Remove mails that are older than so much; returns how many."""
    before = time.time() - age.total_seconds()
    return sum(_remove(file) for file in _files(folder) if _written(file) < before)


def remove_to(email: str, folder: Path = FOLDER) -> int:
    """Remove mails to an address, or that speak of it; returns how many."""
    return sum(_remove(file) for file in _files(folder) if _speaks_of(file, email.lower()))


def _files(folder: Path) -> Iterator[Path]:
    return folder.glob("*.eml")


def _speaks_of(file: Path, email: str) -> bool:
    """Whether a mail goes to an address, or has it in its text, as those to a venue have."""
    try:
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    except FileNotFoundError:
        return False
    texts = [str(mail["To"])]
    texts += [part.get_content() for part in mail.walk() if part.get_content_maintype() == "text"]
    return any(email in text.lower() for text in texts)


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return float("inf")


def _remove(file: Path) -> bool:
    try:
        file.unlink()
    except FileNotFoundError:
        return False
    return True
