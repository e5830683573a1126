-- One booking as one locked transaction, as pgbench runs it beside `bench decisions`.
BEGIN;
SELECT remaining FROM one_slot WHERE id = 1 FOR UPDATE;
UPDATE one_slot SET remaining = remaining - 1 WHERE id = 1;
WITH booking AS (
    INSERT INTO one_booking (slot_id, customer, status) VALUES (1, 'guest', 'confirmed') RETURNING id
), event AS (
    INSERT INTO one_event (booking_id, kind, at) SELECT id, 'confirmed', now() FROM booking
)
INSERT INTO one_message (booking_id, kind) SELECT id, 'confirmed' FROM booking;
COMMIT;
