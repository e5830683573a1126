"""Messages, on the queue `mail`; what falls due by the clock is noted on another one."""

from booking.doorbell import take_down_mail
from booking.dues import owe_what_is_due
from celery_config import app
from workers.couriers import send_due

# Couriers begin nothing after 20 s; one message over a server that is slow at each step takes 80.
SOFT_LIMIT_SECONDS, HARD_LIMIT_SECONDS = 105, 110


@app.task(
    name="notifications.send", soft_time_limit=SOFT_LIMIT_SECONDS, time_limit=HARD_LIMIT_SECONDS
)
def send() -> None:
    """Send the messages that are due."""
    take_down_mail()
    send_due()


@app.task(name="reminders.owe")
def owe() -> None:
    """Note the messages whose time has come: reminders, warnings, digests."""
    owe_what_is_due()
