advanced AS (
    UPDATE rooms
    SET times_booked = times_booked + $36, version = version + $37, updated_at = $2,
        number = $40, kind = $41, capacity = $42, rate_amount = $43, rate_currency = $44,
        status = $45, deleted_at = $46
    FROM fence
    WHERE id = $38 AND version = $39
    RETURNING rooms.id
)
