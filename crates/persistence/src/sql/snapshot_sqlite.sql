-- As snapshot_postgres.sql; lists come as JSON, UUIDs in them as hexadecimal digits.
SELECT
    clock.now,
    (SELECT json_group_array(json_object(
         'key', k.key, 'fingerprint', lower(hex(k.fingerprint)), 'status', k.status,
         'version', k.version, 'location', k.location, 'body', k.body))
     FROM idempotency_keys AS k
     WHERE k.key IN (SELECT value FROM json_each(?1)) AND k.expires_at > clock.now) AS used,
    h.time_zone,
    h.day_ends,
    {room:r},
    {booking:b}
FROM (SELECT strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now') AS now) AS clock
LEFT JOIN rooms AS r ON r.id IN (SELECT unhex(value) FROM json_each(?2))
LEFT JOIN hotels AS h ON h.id = r.hotel_id
LEFT JOIN bookings AS b ON b.rowid IN (
    SELECT named.rowid FROM json_each(?3) AS wanted
    CROSS JOIN bookings AS named ON named.room_id = r.id AND named.id = unhex(wanted.value)
    UNION ALL
    SELECT taken.rowid
    FROM (SELECT unhex(json_extract(nights.value, '$[0]')) AS room_id,
                 COALESCE(json_extract(nights.value, '$[1]'), own.check_in,
                          date('now', '-1 day')) AS check_in,
                 COALESCE(json_extract(nights.value, '$[2]'), own.check_out,
                          '9999-12-31') AS check_out
          FROM json_each(?4) AS nights
          LEFT JOIN bookings AS own ON own.id = unhex(json_extract(nights.value, '$[3]'))) AS asked
    CROSS JOIN bookings AS taken
        ON taken.room_id = asked.room_id AND taken.status NOT IN ('cancelled', 'expired')
       AND taken.check_in < asked.check_out AND taken.check_out > asked.check_in
       AND taken.check_in >= COALESCE(
           (SELECT earlier.check_in FROM bookings AS earlier
            WHERE earlier.room_id = asked.room_id AND earlier.status NOT IN ('cancelled', 'expired')
              AND earlier.check_in < asked.check_in
            ORDER BY earlier.check_in DESC LIMIT 1), asked.check_in)
    WHERE asked.room_id = r.id
)
