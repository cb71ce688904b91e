-- One decision or a batch of them, kept whole or not at all. The statement is its own transaction.
--
-- The compare-and-set of the room comes first, and everything else selects from the row it hit: a
-- lost race writes nothing. What must undo it afterwards makes a NOT NULL column null (23502): a
-- booking that has another version, a room of two that was missed, a key that is in use.
--
-- $1 the moment after which it must not begin any more: a statement that the network delivers late
--    finds that its fate was decided without it.
-- $2 the time of the snapshot; $3 how many rooms; $4 the write's name;
-- $5..$22 bookings: the room and version decided on (null: new), then the row afterwards;
-- $23..$28 events: room, version, kind, booking, data, actor;
-- $29..$35 keys: key, fingerprint, status, version, location, body, until when.
WITH fence AS MATERIALIZED (
    SELECT 1 AS open WHERE clock_timestamp() <= $1
), {rooms}, written AS (
    SELECT * FROM unnest(
        $5::uuid[], $6::bigint[],
        $7::uuid[], $8::uuid[], $9::uuid[], $10::text[], $11::text[], $12::bigint[], $13::date[],
        $14::date[], $15::text[], $16::timestamptz[], $17::bigint[], $18::text[], $19::bigint[],
        $20::bigint[], $21::timestamptz[], $22::text[])
    AS w (was_room_id, was_version,
          room_id, id, hotel_id, guest_name, guest_email, guests, check_in,
          check_out, status, hold_expires_at, total_amount, total_currency, version,
          room_version, created_at, made_by)
), given_up AS (
    UPDATE bookings AS b
    SET guest_name = w.guest_name, guest_email = w.guest_email, status = w.status,
        hold_expires_at = NULL, version = w.version,
        room_version = w.room_version, updated_at = $2
    FROM advanced AS r JOIN written AS w ON w.was_room_id = r.id
    WHERE w.status NOT IN ('held', 'confirmed')
      AND b.room_id = w.was_room_id AND b.id = w.id AND b.version = w.was_version
    RETURNING b.id
), changed AS (
    -- After those that give up nights, or the guard would meet them: the count has it wait.
    UPDATE bookings AS b
    SET room_id = w.room_id, guest_name = w.guest_name, guest_email = w.guest_email,
        guests = w.guests, check_in = w.check_in, check_out = w.check_out, status = w.status,
        hold_expires_at = w.hold_expires_at, total_amount = w.total_amount,
        total_currency = w.total_currency, version = w.version, room_version = w.room_version,
        updated_at = $2
    FROM (SELECT count(*) AS rows FROM given_up) AS first, advanced AS r
    JOIN written AS w ON w.was_room_id = r.id
    WHERE w.status IN ('held', 'confirmed') AND first.rows >= 0
      AND b.room_id = w.was_room_id AND b.id = w.id AND b.version = w.was_version
    RETURNING b.id
), complete AS (
    SELECT ((SELECT count(*) FROM advanced) = $3
        AND (SELECT count(*) FROM given_up) + (SELECT count(*) FROM changed)
            = (SELECT count(*) FROM written WHERE was_version IS NOT NULL)) AS whole
), booked AS (
    INSERT INTO bookings (
        room_id, id, hotel_id, guest_name, guest_email, guests, check_in, check_out, status,
        hold_expires_at, total_amount, total_currency, version, room_version, created_at, updated_at,
        made_by)
    SELECT w.room_id, w.id, w.hotel_id, w.guest_name, w.guest_email, w.guests, w.check_in,
           w.check_out, w.status, w.hold_expires_at, w.total_amount, w.total_currency, w.version,
           w.room_version, w.created_at, $2, w.made_by
    FROM complete, advanced AS r JOIN written AS w ON w.room_id = r.id
    WHERE w.was_version IS NULL AND complete.whole
), told AS (
    INSERT INTO room_events (room_id, version, kind, booking_id, at, data, actor, write_id)
    SELECT r.id, CASE WHEN complete.whole THEN e.version END, e.kind, e.booking_id, $2, e.data,
           e.actor, $4
    FROM complete, advanced AS r
    JOIN unnest($23::uuid[], $24::bigint[], $25::text[], $26::uuid[], $27::jsonb[],
                $28::text[])
        AS e (room_id, version, kind, booking_id, data, actor) ON e.room_id = r.id
), answered AS (
    INSERT INTO idempotency_keys AS k (
        key, fingerprint, status, version, location, body, created_at, expires_at)
    SELECT a.key, a.fingerprint, a.status, a.version, a.location, a.body, $2, a.expires_at
    FROM (SELECT count(*) AS rows FROM advanced) AS r,
         unnest($29::text[], $30::bytea[], $31::bigint[], $32::bigint[], $33::text[], $34::text[],
                $35::timestamptz[])
         AS a (key, fingerprint, status, version, location, body, expires_at)
    WHERE r.rows = $3
    ON CONFLICT (key) DO UPDATE
    SET fingerprint = excluded.fingerprint, status = excluded.status, version = excluded.version,
        location = excluded.location, body = excluded.body, expires_at = excluded.expires_at,
        created_at = CASE WHEN k.expires_at <= $2 THEN excluded.created_at END
)
SELECT count(*) AS rooms FROM advanced
