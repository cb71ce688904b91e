advanced AS (
    UPDATE rooms
    SET times_booked = times_booked + $38, version = version + $39, updated_at = $2,
        number = $42, kind = $43, capacity = $44, rate_amount = $45, rate_currency = $46,
        status = $47, deleted_at = $48
    FROM fence
    WHERE id = $40 AND version = $41
    RETURNING rooms.id
)
