complete AS (
    SELECT (SELECT count(*) FROM advanced) >= $2 AS whole
)
