advanced AS (
    UPDATE rooms
    SET times_booked = times_booked + $44, version = version + $45, updated_at = $43
    FROM fence
    WHERE id = $46 AND version = $47
    RETURNING rooms.id
)
