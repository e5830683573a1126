"""Messages that were owed before there was anybody to send them survive the migration."""

from sqlalchemy import Connection, text

from migrations.schema import downgrade, upgrade
from tests.test_migrations import empty

__all__ = ["empty"]

ROWS = """
    INSERT INTO venues (slug, name, kind, time_zone, currency)
    VALUES ('v', 'V', 'restaurant', 'UTC', 'GBP');
    INSERT INTO resources (venue_id, name, counted_in, max_quantity)
    SELECT id, 'R', 'seats', 8 FROM venues;
    INSERT INTO customers (venue_id) SELECT id FROM venues;
    INSERT INTO bookings (reference, venue_id, resource_id, customer_id, quantity, channel, total,
                          currency, expires_at)
    SELECT 'ABCDEFG', v.id, r.id, c.id, 1, 'api', 0, 'GBP', now() + interval '1 hour'
      FROM venues v, resources r, customers c;
    INSERT INTO notifications (venue_id, booking_id, kind, version)
    SELECT venue_id, id, 'rejected', 1 FROM bookings;
"""


def test_an_old_message_stays_owed_up_and_down(empty: Connection) -> None:
    upgrade(empty, "0003")
    empty.execute(text(ROWS))
    empty.commit()

    upgrade(empty)
    after = empty.execute(text("SELECT kind, state, attempts FROM notifications")).all()
    told = empty.execute(text("SELECT told_of_bookings, language, colour FROM venues")).one()
    empty.execute(text("UPDATE notifications SET state = 'refused'"))
    empty.execute(
        text(
            "INSERT INTO notifications (venue_id, period_on, kind)"
            " SELECT id, current_date, 'venue_digest' FROM venues"
        )
    )
    empty.commit()
    downgrade(empty, "0003")
    before = empty.execute(text("SELECT kind, state FROM notifications")).all()

    assert [tuple(row) for row in after] == [("rejected", "queued", 0)]
    assert tuple(told) == ("at_once", "en", "#14505c")
    assert [tuple(row) for row in before] == [("rejected", "dead")]
