"""Messages, on the queue `mail`; what falls due by the clock is noted on another one."""

from booking.doorbell import take_down_mail
from booking.dues import owe_what_is_due
from celery_config import app
from workers.couriers import send_due


# Its worker is one of threads, which no time limit can end; the post's own timeouts do.
@app.task(name="notifications.send")
def send() -> None:
    """Send the messages that are due."""
    take_down_mail()
    send_due()


@app.task(name="reminders.owe")
def owe() -> None:
    """Note the messages whose time has come: reminders, warnings, digests."""
    owe_what_is_due()
