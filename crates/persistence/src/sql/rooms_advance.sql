advanced AS (
    UPDATE rooms
    SET times_booked = times_booked + $47, version = version + $48, updated_at = $46
    FROM fence
    WHERE id = $49 AND version = $50
    RETURNING rooms.id
)
