"""Messages, on the queue `mail`."""

from booking.doorbell import take_down_mail
from celery_config import app
from workers.couriers import send_due
from workers.watch import watch


# Its worker is one of threads, which no time limit can end; the post's own timeouts do.
@app.task(name="notifications.send")
def send() -> None:
    """Send the messages that are due."""
    watch.hear()
    take_down_mail()
    send_due()
    watch.hear()
