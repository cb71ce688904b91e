advanced AS (
    UPDATE rooms
    SET times_booked = times_booked + $42, version = version + $43, updated_at = $41,
        number = $46, kind = $47, capacity = $48, rate_amount = $49, rate_currency = $50,
        status = $51, deleted_at = $52
    FROM fence
    WHERE id = $44 AND version = $45
    RETURNING rooms.id
)
