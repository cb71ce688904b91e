locked AS MATERIALIZED (
    -- Every write takes its rooms in ascending order, so that none waits in a circle.
    SELECT id FROM rooms, fence WHERE id = ANY ($49) ORDER BY id FOR NO KEY UPDATE OF rooms
), advanced AS (
    UPDATE rooms
    SET times_booked = rooms.times_booked + c.sold, version = rooms.version + c.steps,
        updated_at = c.at
    FROM locked
    JOIN unnest($46::timestamptz[], $47::bigint[], $48::bigint[], $49::uuid[], $50::bigint[])
        AS c (at, sold, steps, id, version) ON c.id = locked.id
    WHERE rooms.id = locked.id AND rooms.version = c.version
    RETURNING rooms.id
)
