advanced AS (
    UPDATE rooms
    SET times_booked = times_booked + $44, version = version + $45, updated_at = $43,
        number = $48, kind = $49, capacity = $50, rate_amount = $51, rate_currency = $52,
        status = $53, deleted_at = $54
    FROM fence
    WHERE id = $46 AND version = $47
    RETURNING rooms.id
)
