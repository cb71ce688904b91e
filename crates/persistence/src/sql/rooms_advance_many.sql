locked AS MATERIALIZED (
    -- A room that another session holds is left out, for a statement of its own: the others must
    -- not wait for it, and what waits for no room is in no circle of those that do.
    -- The moment counts for each, as it would alone: those before it may have taken their time.
    SELECT id FROM rooms, fence WHERE id = ANY ($49) AND clock_timestamp() <= $1
    FOR NO KEY UPDATE OF rooms SKIP LOCKED
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
