-- Keeps answers whose requests had nothing to write. $1 the time of the snapshot; $2..$8 as the keys
-- of commit_postgres.sql.
INSERT INTO idempotency_keys AS k (
    key, fingerprint, status, version, location, body, created_at, expires_at)
SELECT a.key, a.fingerprint, a.status, a.version, a.location, a.body, $1, a.expires_at
FROM unnest($2::text[], $3::bytea[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
            $8::timestamptz[])
     AS a (key, fingerprint, status, version, location, body, expires_at)
ON CONFLICT (key) DO UPDATE
SET fingerprint = excluded.fingerprint, status = excluded.status, version = excluded.version,
    location = excluded.location, body = excluded.body, expires_at = excluded.expires_at,
    created_at = CASE WHEN k.expires_at <= $1 THEN excluded.created_at END
