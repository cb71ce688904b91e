advanced AS (
    UPDATE rooms
    SET times_booked = times_booked + $36, version = version + $37, updated_at = $2
    FROM fence
    WHERE id = $38 AND version = $39
    RETURNING rooms.id
)
