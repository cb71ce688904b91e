-- Everything that a batch of decisions looks at, at one moment: the time, the keys used before, the
-- rooms, the bookings named, and those that occupy the nights asked about. Rows are rooms by bookings.
--
-- $1 keys; $2 rooms; $3 bookings; $4..$7 nights: room, first day, day after the last, and a booking
-- whose own days stand for those that are null. With neither, from yesterday on: no hotel's today is
-- earlier, in any time zone, its day ending at noon at the latest.
SELECT
    clock.now,
    (SELECT jsonb_agg(jsonb_build_object(
         'key', k.key, 'fingerprint', encode(k.fingerprint, 'hex'), 'status', k.status,
         'version', k.version, 'location', k.location, 'body', k.body))
     FROM idempotency_keys AS k
     WHERE k.key = ANY ($1) AND k.expires_at > clock.now) AS used,
    h.time_zone,
    h.day_ends,
    {room:r},
    {booking:b}
FROM (SELECT statement_timestamp() AS now) AS clock
LEFT JOIN rooms AS r ON r.id = ANY ($2)
LEFT JOIN hotels AS h ON h.id = r.hotel_id
LEFT JOIN LATERAL (
    SELECT {booking:named} FROM bookings AS named
    WHERE named.room_id = r.id AND named.id = ANY ($3)
    UNION ALL
    SELECT {booking:taken}
    FROM unnest($4::uuid[], $5::date[], $6::date[], $7::uuid[])
        AS nights (room_id, check_in, check_out, booking_id)
    LEFT JOIN bookings AS own ON own.id = nights.booking_id
    CROSS JOIN LATERAL (
        SELECT COALESCE(nights.check_in, own.check_in,
                        (clock.now AT TIME ZONE 'UTC')::date - 1) AS check_in,
               COALESCE(nights.check_out, own.check_out, 'infinity') AS check_out
    ) AS asked
    -- Bookings stored as held or confirmed never overlap each other: the guard sees to it. So one
    -- that reaches into the nights from before them is the last one that begins before them.
    CROSS JOIN LATERAL (
        (SELECT {booking:earlier} FROM bookings AS earlier
         WHERE earlier.room_id = nights.room_id AND earlier.status NOT IN ('cancelled', 'expired')
           AND earlier.check_in < asked.check_in
         ORDER BY earlier.check_in DESC LIMIT 1)
        UNION ALL
        SELECT {booking:within} FROM bookings AS within
        WHERE within.room_id = nights.room_id AND within.status NOT IN ('cancelled', 'expired')
          AND within.check_in >= asked.check_in AND within.check_in < asked.check_out
    ) AS taken
    WHERE nights.room_id = r.id AND taken.check_out > asked.check_in
) AS b ON true
