, answered AS (
    INSERT INTO idempotency_keys AS k (
        key, fingerprint, status, version, location, body, created_at, expires_at)
    SELECT a.key, a.fingerprint, a.status, a.version, a.location, a.body, a.created_at, a.expires_at
    FROM advanced AS r
    JOIN unnest($34::uuid[], $35::text[], $36::bytea[], $37::bigint[], $38::bigint[], $39::text[],
                $40::text[], $41::timestamptz[], $42::timestamptz[])
        AS a (room_id, key, fingerprint, status, version, location, body, created_at, expires_at)
        ON a.room_id = r.id
    -- In one order everywhere, so that no two statements wait for each other's keys.
    ORDER BY a.key
    ON CONFLICT (key) DO UPDATE
    SET fingerprint = excluded.fingerprint, status = excluded.status, version = excluded.version,
        location = excluded.location, body = excluded.body, expires_at = excluded.expires_at,
        created_at = CASE WHEN k.expires_at <= excluded.created_at THEN excluded.created_at END
)
