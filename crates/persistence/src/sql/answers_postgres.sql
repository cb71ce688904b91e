, answered AS (
    INSERT INTO idempotency_keys AS k (
        key, fingerprint, status, version, location, body, created_at, expires_at)
    SELECT a.key, a.fingerprint, a.status, a.version, a.location, a.body, $2, a.expires_at
    FROM (SELECT count(*) AS rows FROM advanced) AS r,
         unnest($31::text[], $32::bytea[], $33::bigint[], $34::bigint[], $35::text[], $36::text[],
                $37::timestamptz[])
         AS a (key, fingerprint, status, version, location, body, expires_at)
    WHERE r.rows = $3
    ON CONFLICT (key) DO UPDATE
    SET fingerprint = excluded.fingerprint, status = excluded.status, version = excluded.version,
        location = excluded.location, body = excluded.body, expires_at = excluded.expires_at,
        created_at = CASE WHEN k.expires_at <= $2 THEN excluded.created_at END
)
