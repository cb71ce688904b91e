advanced AS (
    UPDATE rooms
    SET times_booked = times_booked + $34, version = version + $35, updated_at = $2
    FROM fence
    WHERE id = $36 AND version = $37
    RETURNING rooms.id
)
