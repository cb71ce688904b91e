locked AS MATERIALIZED (
    -- Every write takes its rooms in ascending order, so that none waits in a circle.
    SELECT id FROM rooms, fence WHERE id = ANY ($40) ORDER BY id FOR NO KEY UPDATE OF rooms
), advanced AS (
    UPDATE rooms
    SET times_booked = rooms.times_booked + c.sold, version = rooms.version + c.steps,
        updated_at = $2
    FROM locked
    JOIN unnest($38::bigint[], $39::bigint[], $40::uuid[], $41::bigint[])
        AS c (sold, steps, id, version) ON c.id = locked.id
    WHERE rooms.id = locked.id AND rooms.version = c.version
    RETURNING rooms.id
)
