advanced AS (
    UPDATE rooms
    SET times_booked = times_booked + $34, version = version + $35, updated_at = $2,
        number = $38, kind = $39, capacity = $40, rate_amount = $41, rate_currency = $42,
        status = $43, deleted_at = $44
    FROM fence
    WHERE id = $36 AND version = $37
    RETURNING rooms.id
)
