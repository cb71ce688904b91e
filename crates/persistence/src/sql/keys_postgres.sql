-- Keeps answers whose requests had nothing to write. $1..$8 as the keys of commit_postgres.sql, without
-- rooms.
INSERT INTO idempotency_keys AS k (
    key, fingerprint, status, version, location, body, created_at, expires_at)
SELECT a.key, a.fingerprint, a.status, a.version, a.location, a.body, a.created_at, a.expires_at
FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::text[], $6::text[],
            $7::timestamptz[], $8::timestamptz[])
     AS a (key, fingerprint, status, version, location, body, created_at, expires_at)
ORDER BY a.key
ON CONFLICT (key) DO UPDATE
SET fingerprint = excluded.fingerprint, status = excluded.status, version = excluded.version,
    location = excluded.location, body = excluded.body, expires_at = excluded.expires_at,
    created_at = CASE WHEN k.expires_at <= excluded.created_at THEN excluded.created_at END
