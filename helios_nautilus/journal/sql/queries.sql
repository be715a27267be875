-- Queries by name. Parameters are written as psycopg has them.

-- name: has_schema
SELECT to_regclass('schema_versions') IS NOT NULL

-- name: create_versions
CREATE TABLE schema_versions (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_ns bigint NOT NULL
)

-- name: schema_version
SELECT coalesce(max(version), 0) FROM schema_versions

-- name: note_version
INSERT INTO schema_versions (version, name, applied_ns) VALUES (%(version)s, %(name)s, %(applied_ns)s)

-- name: lock_schema
SELECT pg_advisory_xact_lock(hashtextextended('helios schema', 0))

-- name: lock_run
SELECT pg_advisory_xact_lock(hashtextextended(%(run_id)s, 0))

-- name: runs
SELECT DISTINCT ON (head.first_recorded, run.run_id)
    run.run_id, run.mode, run.strategy, run.data_label, run.model_id, run.config_hash, run.start_ns, run.end_ns,
    head.first_recorded AS recorded_ns, head.last_seq + 1 AS rows, head.head
FROM runs AS run
JOIN chain_heads AS head USING (run_id)
WHERE (%(run_id)s::text IS NULL OR run.run_id = %(run_id)s)
    AND (%(ended_before_ns)s::bigint IS NULL OR head.last_recorded < %(ended_before_ns)s)
ORDER BY head.first_recorded DESC, run.run_id DESC, run.seq

-- name: run_body
SELECT body::text FROM runs WHERE run_id = %(run_id)s ORDER BY seq LIMIT 1

-- name: run_ids
SELECT run_id FROM chain_heads ORDER BY first_recorded DESC, run_id DESC

-- name: hold_still
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY

-- name: chain_head
SELECT last_seq + 1, head FROM chain_heads WHERE run_id = %(run_id)s

-- name: rows
SELECT source, run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body::text, hash
FROM journal
WHERE run_id = %(run_id)s
ORDER BY run_id, seq

-- name: last_rows
SELECT source, run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body::text, hash
FROM journal
WHERE run_id = %(run_id)s AND seq > (SELECT last_seq FROM chain_heads WHERE run_id = %(run_id)s) - %(count)s
ORDER BY run_id, seq

-- name: bodies
SELECT body::text FROM journal WHERE run_id = %(run_id)s ORDER BY run_id, seq

-- name: bodies_of
SELECT body::text FROM {table} WHERE run_id = %(run_id)s ORDER BY seq

-- name: bodies_since
SELECT body::text FROM {table} WHERE mode = %(mode)s AND ts_event >= %(since_ns)s ORDER BY ts_event, run_id, seq

-- name: decision
SELECT body::text FROM journal
WHERE run_id = %(run_id)s AND decision_id = %(decision_id)s
ORDER BY run_id, seq

-- name: find
WITH named AS (
    SELECT run_id, decision_id FROM journal WHERE decision_id = %(name)s
    UNION
    SELECT run_id, decision_id FROM orders WHERE client_order_id = %(name)s
    UNION
    SELECT run_id, decision_id FROM fills WHERE client_order_id = %(name)s OR trade_id = %(name)s
    UNION
    SELECT run_id, decision_id FROM positions WHERE position_id = %(name)s AND position_id <> ''
)
SELECT named.run_id, named.decision_id
FROM named
JOIN chain_heads AS head USING (run_id)
WHERE named.decision_id <> '' AND (%(run_id)s::text IS NULL OR named.run_id = %(run_id)s)
ORDER BY head.first_recorded DESC, named.run_id DESC, named.decision_id

-- name: decisions
SELECT run_id, decision_id, mode, ts_event, instrument_id, side, p_side, outcome, reason
FROM decisions
WHERE (%(run_id)s::text IS NULL OR run_id = %(run_id)s)
    AND (%(instrument_id)s::text IS NULL OR instrument_id = %(instrument_id)s)
    AND (%(side)s::text IS NULL OR side = %(side)s)
    AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
    AND (%(since_ns)s::bigint IS NULL OR ts_event >= %(since_ns)s)
    AND (%(until_ns)s::bigint IS NULL OR ts_event < %(until_ns)s)
ORDER BY ts_event DESC, run_id DESC, decision_id DESC
LIMIT %(count)s

-- name: allow_retirement
SELECT set_config('helios.retired_run', %(run_id)s, true)

-- name: forget_head
DELETE FROM chain_heads WHERE run_id = %(run_id)s

-- name: insert
-- Adds the rows that are not there yet. Returns those that are, with another hash: never to be swallowed.
WITH given AS (
    SELECT * FROM unnest(
        %(run_id)s::text[], %(seq)s::bigint[], %(mode)s::text[], %(ts_event)s::bigint[], %(ts_recorded)s::bigint[],
        %(decision_id)s::text[], %(instrument_id)s::text[], %(body)s::json[], %(hash)s::bytea[]
    ) AS row (run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash)
), added AS (
    INSERT INTO {table} (run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash)
    SELECT * FROM given
    ON CONFLICT (run_id, seq) DO NOTHING
)
SELECT given.run_id, given.seq
FROM given
JOIN {table} AS known USING (run_id, seq)
WHERE known.hash <> given.hash

-- name: copy
COPY {table} (run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash) FROM STDIN

-- name: delete
DELETE FROM {table} WHERE run_id = %(run_id)s

-- name: add_command
INSERT INTO operator_commands (command_id, ts_ns, mode, verb, who, origin, body)
VALUES (%(command_id)s, %(ts_ns)s, %(mode)s, %(verb)s, %(who)s, %(origin)s, %(body)s)
ON CONFLICT (command_id) DO NOTHING

-- name: add_answer
-- A command that no row could hold has its answer in a file.
INSERT INTO operator_answers (command_id, ts_ns, run_id, outcome, words)
SELECT command_id, %(ts_ns)s, %(run_id)s, %(outcome)s, %(words)s
FROM operator_commands WHERE command_id = %(command_id)s
ON CONFLICT (command_id) DO NOTHING

-- name: answer
SELECT command_id, ts_ns, run_id, outcome, words FROM operator_answers WHERE command_id = %(command_id)s

-- name: unanswered_commands
SELECT command_id, command.body::text
FROM operator_commands AS command
LEFT JOIN operator_answers AS answer USING (command_id)
WHERE command.mode = %(mode)s AND answer.command_id IS NULL
ORDER BY command.ts_ns, command_id

-- name: recent_commands
SELECT command_id, command.body::text, answer.ts_ns, answer.run_id, answer.outcome, answer.words
FROM operator_commands AS command
LEFT JOIN operator_answers AS answer USING (command_id)
WHERE command.mode = %(mode)s
ORDER BY command.ts_ns DESC, command_id DESC
LIMIT %(count)s

-- name: put_status
INSERT INTO node_status (mode, ts_ns, run_id, body) VALUES (%(mode)s, %(ts_ns)s, %(run_id)s, %(body)s)
ON CONFLICT (mode) DO UPDATE SET ts_ns = excluded.ts_ns, run_id = excluded.run_id, body = excluded.body
WHERE node_status.ts_ns < excluded.ts_ns OR node_status.run_id <> excluded.run_id

-- name: status
SELECT body::text FROM node_status WHERE mode = %(mode)s
