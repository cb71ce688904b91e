advanced AS (
    UPDATE rooms
    SET times_booked = times_booked + $38, version = version + $39, updated_at = $2
    FROM fence
    WHERE id = $40 AND version = $41
    RETURNING rooms.id
)
