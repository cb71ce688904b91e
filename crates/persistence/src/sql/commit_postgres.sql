-- One decision or a batch of them, kept whole or not at all. The statement is its own transaction.
--
-- The compare-and-set of the room comes first, and everything else selects from the row it hit: a
-- lost race writes nothing. What must undo it afterwards makes a NOT NULL column null (23502): a
-- booking that has another version, a room of two that was missed, a key that is in use.
--
-- $1 the moment after which it must not begin any more: a statement that the network delivers late
--    finds that its fate was decided without it.
-- $2 the time of the snapshot; $3 how many rooms; $4 the write's name;
-- $5..$24 bookings: the room and version decided on (null: new), then the row afterwards;
-- $25..$30 events: room, version, kind, booking, data, actor;
-- $31..$37 keys: key, fingerprint, status, version, location, body, until when;
-- $38 and up: the rooms, as the part in their place says.
--
-- Parts that have nothing to write are left out: each costs a statement that only inserts.
WITH fence AS MATERIALIZED (
    SELECT 1 AS open WHERE clock_timestamp() <= $1
), {rooms}, written AS (
    SELECT * FROM unnest(
        $5::uuid[], $6::bigint[],
        $7::uuid[], $8::uuid[], $9::uuid[], $10::text[], $11::text[], $12::bigint[], $13::date[],
        $14::date[], $15::text[], $16::timestamptz[], $17::bigint[], $18::text[], $19::bigint[],
        $20::bigint[], $21::timestamptz[], $22::text[], $23::text[], $24::text[])
    AS w (was_room_id, was_version,
          room_id, id, hotel_id, guest_name, guest_email, guests, check_in,
          check_out, status, hold_expires_at, total_amount, total_currency, version,
          room_version, created_at, made_by, source, reference)
), {changes}, booked AS (
    INSERT INTO bookings (
        room_id, id, hotel_id, guest_name, guest_email, guests, check_in, check_out, status,
        hold_expires_at, total_amount, total_currency, version, room_version, created_at, updated_at,
        made_by, source, reference)
    SELECT w.room_id, w.id, w.hotel_id, w.guest_name, w.guest_email, w.guests, w.check_in,
           w.check_out, w.status, w.hold_expires_at, w.total_amount, w.total_currency, w.version,
           w.room_version, w.created_at, $2, w.made_by, w.source, w.reference
    FROM complete, advanced AS r JOIN written AS w ON w.room_id = r.id
    WHERE w.was_version IS NULL AND complete.whole
), told AS (
    INSERT INTO room_events (room_id, version, kind, booking_id, at, data, actor, write_id)
    SELECT r.id, CASE WHEN complete.whole THEN e.version END, e.kind, e.booking_id, $2, e.data,
           e.actor, $4
    FROM complete, advanced AS r
    JOIN unnest($25::uuid[], $26::bigint[], $27::text[], $28::uuid[], $29::jsonb[],
                $30::text[])
        AS e (room_id, version, kind, booking_id, data, actor) ON e.room_id = r.id
){answers}
SELECT count(*) AS rooms FROM advanced
