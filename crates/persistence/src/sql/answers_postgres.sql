, answered AS (
    INSERT INTO idempotency_keys AS k (
        key, fingerprint, status, version, location, body, created_at, expires_at)
    SELECT a.key, a.fingerprint, a.status, a.version, a.location, a.body, a.created_at, a.expires_at
    FROM advanced AS r
    JOIN unnest($37::uuid[], $38::text[], $39::bytea[], $40::bigint[], $41::bigint[], $42::text[],
                $43::text[], $44::timestamptz[], $45::timestamptz[])
        AS a (room_id, key, fingerprint, status, version, location, body, created_at, expires_at)
        ON a.room_id = r.id
    -- In one order everywhere, so that no two statements wait for each other's keys.
    ORDER BY a.key
    ON CONFLICT (key) DO UPDATE
    SET fingerprint = excluded.fingerprint, status = excluded.status, version = excluded.version,
        location = excluded.location, body = excluded.body, expires_at = excluded.expires_at,
        created_at = CASE WHEN k.expires_at <= excluded.created_at THEN excluded.created_at END
)
