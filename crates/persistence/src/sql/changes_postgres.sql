given_up AS (
    UPDATE bookings AS b
    SET guest_name = w.guest_name, guest_email = w.guest_email,
        guest_name_folded = w.guest_name_folded, guest_email_folded = w.guest_email_folded,
        status = w.status, source = w.source, reference = w.reference, metadata = w.metadata,
        hold_expires_at = NULL, version = w.version, room_version = w.room_version,
        updated_at = w.updated_at
    FROM advanced AS r JOIN written AS w ON w.was_room_id = r.id
    WHERE w.status NOT IN ('held', 'confirmed')
      AND b.room_id = w.was_room_id AND b.id = w.id AND b.version = w.was_version
    RETURNING b.id
), changed AS (
    -- After those that give up nights, or the guard would meet them: the count has it wait.
    UPDATE bookings AS b
    SET room_id = w.room_id, guest_name = w.guest_name, guest_email = w.guest_email,
        guest_name_folded = w.guest_name_folded, guest_email_folded = w.guest_email_folded,
        guests = w.guests, check_in = w.check_in, check_out = w.check_out, continues = w.continues,
        status = w.status, hold_expires_at = w.hold_expires_at, total_amount = w.total_amount,
        total_currency = w.total_currency, source = w.source, reference = w.reference,
        metadata = w.metadata, version = w.version, room_version = w.room_version,
        updated_at = w.updated_at
    FROM (SELECT count(*) AS rows FROM given_up) AS first, advanced AS r
    JOIN written AS w ON w.was_room_id = r.id
    WHERE w.status IN ('held', 'confirmed') AND first.rows >= 0
      AND b.room_id = w.was_room_id AND b.id = w.id AND b.version = w.was_version
    RETURNING b.id
), complete AS (
    SELECT ((SELECT count(*) FROM advanced) >= $2
        AND (SELECT count(*) FROM given_up) + (SELECT count(*) FROM changed)
            = (SELECT count(*) FROM advanced AS r JOIN written AS w ON w.was_room_id = r.id
               WHERE w.was_version IS NOT NULL)) AS whole
)
