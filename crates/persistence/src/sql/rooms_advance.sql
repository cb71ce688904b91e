advanced AS (
    UPDATE rooms
    SET times_booked = times_booked + $42, version = version + $43, updated_at = $41
    FROM fence
    WHERE id = $44 AND version = $45
    RETURNING rooms.id
)
