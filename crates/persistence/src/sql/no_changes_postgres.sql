complete AS (
    SELECT (SELECT count(*) FROM advanced) = $3 AS whole
)
