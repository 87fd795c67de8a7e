"""What the relay asks of Postgres: how much is pending, and to number a batch of it.

Of what is pending only ids above a low-water mark are looked at (see `low_water`).
"""

from app.core.locks import RELAY_LOCK

# Of the ids above $1. The oldest is the one with the lowest.
PENDING = """
    SELECT (SELECT count(*) FROM (SELECT FROM pending WHERE event > $1 LIMIT 10000) AS waiting),
           coalesce((SELECT extract(epoch FROM clock_timestamp() - created_at) FROM events
                     WHERE id = (SELECT min(event) FROM pending WHERE event > $1)), 0)
"""

LOCK = f"SELECT pg_advisory_lock({RELAY_LOCK})"
UNLOCK = "SELECT pg_advisory_unlock_all()"

# No row of `relay` is updated where nothing was pending at that statement's snapshot, so no tick
# is spent on nothing.
FENCE = """
    UPDATE relay SET tick = tick + 1
    WHERE id = 1 AND EXISTS (SELECT FROM pending WHERE event > $3)
"""

# Events are looked up one by one: for a join the planner, which cannot know how few are pending,
# would read through all the events there ever were.
#
# The events that would come after $2 bytes wait for the next batch. A payload stands only in the
# row of its event's first channel: there may be many. `rights` is the head of `$control` before
# the batch. $3, `transaction` and `running` are those of `low_water`.
NUMBER = """
    WITH batch AS MATERIALIZED (
        SELECT * FROM (
            SELECT e.id, e.channels, e.payload, extract(epoch FROM e.created_at)::float8 AS at,
                   sum(octet_length(e.payload) * cardinality(e.channels)) OVER (
                       ORDER BY e.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bytes
            FROM events e
            WHERE e.id = ANY(ARRAY(
                SELECT event FROM pending WHERE event > $3 ORDER BY event LIMIT $1))) waiting
        WHERE bytes IS NULL OR bytes < $2),
    entry AS MATERIALIZED (
        SELECT b.id, c.name, c.place, row_number() OVER (PARTITION BY c.name ORDER BY b.id) AS nth
        FROM batch b CROSS JOIN LATERAL unnest(b.channels) WITH ORDINALITY AS c(name, place)),
    raised AS (
        INSERT INTO channels AS c (name, head)
        SELECT name, count(*) FROM entry GROUP BY name ORDER BY name
        ON CONFLICT (name) DO UPDATE SET head = c.head + excluded.head
        RETURNING c.name, c.head),
    numbered AS MATERIALIZED (
        SELECT entry.id, entry.name, entry.place,
               raised.head - count(*) OVER (PARTITION BY entry.name) + entry.nth AS "offset"
        FROM entry JOIN raised USING (name)),
    logged AS (
        INSERT INTO channel_log (channel, "offset", event, tick)
        SELECT name, "offset", id, (SELECT tick FROM relay WHERE id = 1) FROM numbered),
    gone AS (DELETE FROM pending WHERE event = ANY(ARRAY(SELECT id FROM batch)))
    SELECT b.id, n.name, n."offset", CASE WHEN n.place = 1 THEN b.payload END AS payload, b.at,
           coalesce((SELECT head FROM channels WHERE name = '$control'), 0) AS rights,
           (SELECT pg_current_xact_id()::text::bigint) AS transaction,
           (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint) AS running
    FROM batch b LEFT JOIN numbered n USING (id) ORDER BY b.id, n.place
"""

# All of a batch's transaction in one round trip: none is open while Postgres waits for the relay
# to ask on, so that one that freezes holds up the others by the lock at most. Where another has
# the lock the answer is one row of nulls: to wait for it in here, under load a matter of course,
# would number events for a relay that was killed meanwhile.
#
# Unlike the parts of one statement, each statement of a volatile function sees what was committed
# before it began (PostgreSQL, "Function Volatility Categories"): NUMBER sees what the relay before
# did, for whose COMMIT the fence has waited. The function is the session's own, so there is
# nothing to migrate.
RELAY = f"""
    CREATE FUNCTION pg_temp.relay_batch(most integer, bytes bigint, low bigint)
    RETURNS TABLE (id bigint, name text, "offset" bigint, payload text, at float8,
                   rights bigint, transaction bigint, running bigint)
    LANGUAGE plpgsql VOLATILE AS $relay$
    #variable_conflict use_column
    BEGIN
        IF NOT pg_try_advisory_lock({RELAY_LOCK}) THEN
            RETURN NEXT;
            RETURN;
        END IF;
        {FENCE};
        IF FOUND THEN
            RETURN QUERY {NUMBER};
        END IF;
    END $relay$
"""
RELAY_BATCH = "SELECT * FROM pg_temp.relay_batch($1, $2, $3)"
