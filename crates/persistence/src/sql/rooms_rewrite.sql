advanced AS (
    UPDATE rooms
    SET times_booked = times_booked + $47, version = version + $48, updated_at = $46,
        number = $51, kind = $52, capacity = $53, rate_amount = $54, rate_currency = $55,
        status = $56, deleted_at = $57
    FROM fence
    WHERE id = $49 AND version = $50
    RETURNING rooms.id
)
