-- One decision, a batch of them, or the writes of several rooms. The statement is its own transaction.
--
-- The compare-and-set of the room comes first, and everything else selects from the row it hit: a
-- lost race writes nothing. What must undo it afterwards makes a NOT NULL column null (23502): a
-- booking that has another version, a room of two that was missed, a key that is in use.
--
-- $1 the moment after which it must not begin any more: a statement that the network delivers late
--    finds that its fate was decided without it. It gives one row then, without an id.
-- $2 how many rooms it must hit, or undo all;
-- $3..$28 bookings: the room and version decided on (null: new), then the row afterwards;
-- $29..$36 events: room, version, kind, booking, time, data, actor, the write's name;
-- $37..$45 keys: the room of its write, key, fingerprint, status, version, location, body, the time
--    of the snapshot, until when;
-- $46 and up: the rooms, as the part in their place says.
--
-- Parts that have nothing to write are left out: each costs a statement that only inserts.
WITH fence AS MATERIALIZED (
    SELECT 1 AS open WHERE clock_timestamp() <= $1
), {rooms}, written AS (
    SELECT * FROM unnest(
        $3::uuid[], $4::bigint[],
        $5::uuid[], $6::uuid[], $7::uuid[], $8::text[], $9::text[], $10::bigint[], $11::date[],
        $12::date[], $13::text[], $14::timestamptz[], $15::bigint[], $16::text[], $17::bigint[],
        $18::bigint[], $19::timestamptz[], $20::timestamptz[], $21::text[], $22::text[],
        $23::text[], $24::uuid[], $25::uuid[], $26::jsonb[], $27::text[],
        $28::text[])
    AS w (was_room_id, was_version,
          room_id, id, hotel_id, guest_name, guest_email, guests, check_in,
          check_out, status, hold_expires_at, total_amount, total_currency, version,
          room_version, created_at, updated_at, made_by, source, reference, continues, continued_by,
          metadata, guest_name_folded, guest_email_folded)
), {changes}, booked AS (
    INSERT INTO bookings (
        room_id, id, hotel_id, guest_name, guest_email, guests, check_in, check_out, status,
        hold_expires_at, total_amount, total_currency, version, room_version, created_at, updated_at,
        made_by, source, reference, continues, continued_by, metadata, guest_name_folded,
        guest_email_folded)
    SELECT w.room_id, w.id, w.hotel_id, w.guest_name, w.guest_email, w.guests, w.check_in,
           w.check_out, w.status, w.hold_expires_at, w.total_amount, w.total_currency, w.version,
           w.room_version, w.created_at, w.updated_at, w.made_by, w.source, w.reference,
           w.continues, w.continued_by, w.metadata, w.guest_name_folded, w.guest_email_folded
    FROM complete, advanced AS r JOIN written AS w ON w.room_id = r.id
    WHERE w.was_version IS NULL AND complete.whole
), told AS (
    INSERT INTO room_events (room_id, version, kind, booking_id, at, data, actor, write_id)
    SELECT r.id, CASE WHEN complete.whole THEN e.version END, e.kind, e.booking_id, e.at, e.data,
           e.actor, e.write_id
    FROM complete, advanced AS r
    JOIN unnest($29::uuid[], $30::bigint[], $31::text[], $32::uuid[], $33::timestamptz[],
                $34::jsonb[], $35::text[], $36::uuid[])
        AS e (room_id, version, kind, booking_id, at, data, actor, write_id) ON e.room_id = r.id
){answers}
SELECT id FROM advanced UNION ALL SELECT NULL WHERE NOT EXISTS (SELECT 1 FROM fence)
