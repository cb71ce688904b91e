locked AS MATERIALIZED (
    -- Every write takes its rooms in ascending order, so that none waits in a circle.
    SELECT id FROM rooms, fence WHERE id = ANY ($46) ORDER BY id FOR NO KEY UPDATE OF rooms
), advanced AS (
    UPDATE rooms
    SET times_booked = rooms.times_booked + c.sold, version = rooms.version + c.steps,
        updated_at = c.at
    FROM locked
    JOIN unnest($43::timestamptz[], $44::bigint[], $45::bigint[], $46::uuid[], $47::bigint[])
        AS c (at, sold, steps, id, version) ON c.id = locked.id
    WHERE rooms.id = locked.id AND rooms.version = c.version
    RETURNING rooms.id
)
