-- What watches a mode's account asks, again and again: each is one bounded look along an index.

-- name: watch_bounds
SELECT set_config('statement_timeout', %(timeout_ms)s::text, false),
    set_config('default_transaction_read_only', 'on', false)

-- name: watch_account
-- The newest run, and where the account that it trades began: it is of the runs that this one continues as well.
WITH RECURSIVE lineage AS (
    (
        SELECT run.run_id, run.account_currency AS currency, 1 AS depth
        FROM runs AS run
        JOIN chain_heads AS head USING (run_id)
        WHERE run.mode = %(mode)s
        ORDER BY head.first_recorded DESC, run.run_id DESC
        LIMIT 1
    )
    UNION ALL
    SELECT state.continues, lineage.currency, lineage.depth + 1
    FROM lineage
    JOIN account_states AS state ON state.run_id = lineage.run_id AND state.continues <> ''
    WHERE lineage.depth < 1000
)
SELECT whole.run_ids, whole.currency, mark.first_ns, mark.first_equity
FROM (SELECT array_agg(run_id ORDER BY depth) AS run_ids, min(currency) AS currency FROM lineage) AS whole
LEFT JOIN LATERAL (
    SELECT ts_event AS first_ns, equity::float8 AS first_equity
    FROM equity_marks
    WHERE mode = %(mode)s AND run_id = ANY(whole.run_ids)
    ORDER BY ts_event, seq
    LIMIT 1
) AS mark ON true
WHERE whole.run_ids IS NOT NULL

-- name: watch_last_mark
SELECT ts_event AS ts_ns, equity::float8 AS equity, drawdown, exposure
FROM equity_marks
WHERE mode = %(mode)s AND run_id = ANY(%(run_ids)s)
ORDER BY ts_event DESC, seq DESC
LIMIT 1

-- name: watch_equity
-- The last mark of each stretch of time: as many looks along an index as there are stretches, however many marks.
SELECT mark.ts_ns, mark.equity, mark.drawdown, mark.exposure
FROM generate_series(%(since_ns)s::bigint, %(until_ns)s::bigint, %(width_ns)s::bigint) AS stretch
CROSS JOIN LATERAL (
    SELECT ts_event AS ts_ns, equity::float8 AS equity, drawdown, exposure
    FROM equity_marks
    WHERE mode = %(mode)s AND run_id = ANY(%(run_ids)s)
        AND ts_event >= stretch AND ts_event < stretch + %(width_ns)s
    ORDER BY ts_event DESC, seq DESC
    LIMIT 1
) AS mark
ORDER BY mark.ts_ns

-- name: watch_bitcoin
-- Bitcoin as it was at the last decision of each stretch.
SELECT said.ts_ns, said.price
FROM generate_series(%(since_ns)s::bigint, %(until_ns)s::bigint, %(width_ns)s::bigint) AS stretch
CROSS JOIN LATERAL (
    SELECT ts_event AS ts_ns, price::float8 AS price
    FROM ml_predictions
    WHERE mode = %(mode)s AND instrument_id LIKE 'BTC%%'
        AND ts_event >= stretch AND ts_event < stretch + %(width_ns)s
    ORDER BY ts_event DESC
    LIMIT 1
) AS said
ORDER BY said.ts_ns

-- name: watch_sizing
SELECT kelly_full, fraction, ts_event AS ts_ns
FROM aether_risk_decisions
WHERE mode = %(mode)s
ORDER BY ts_event DESC, seq DESC
LIMIT 1

-- name: watch_predictions
-- Those of one bar's close have one stamp: they come together, so that paging by it skips none. So with decisions.
SELECT
    said.run_id, said.decision_id, said.ts_event AS ts_ns, said.instrument_id, said.model_id,
    said.p_buy, said.p_sell, said.p_hold, said.price::float8 AS price, said.veto,
    came.ts_event AS outcome_ns, came.label, came.net_return
FROM (
    SELECT * FROM ml_predictions
    WHERE mode = %(mode)s AND ts_event >= %(since_ns)s AND ts_event < %(before_ns)s
    ORDER BY ts_event DESC
    FETCH FIRST (%(count)s) ROWS WITH TIES
) AS said
LEFT JOIN LATERAL (
    SELECT ts_event, label, net_return FROM prediction_outcomes AS told
    WHERE told.decision_id = said.decision_id AND told.run_id = said.run_id AND told.decision_id <> ''
    ORDER BY seq DESC LIMIT 1
) AS came ON true
ORDER BY said.ts_event DESC, said.run_id DESC, said.decision_id DESC

-- name: watch_decisions
SELECT
    found.run_id, found.decision_id, found.ts_event AS ts_ns, found.instrument_id, found.side, found.p_side,
    found.outcome, found.reason,
    coalesce(sizing.words, '') AS aether,
    coalesce(gate.words, '') AS gate,
    coalesce(guardian.words, '') AS guardian
FROM (
    SELECT * FROM decisions
    WHERE mode = %(mode)s AND ts_event >= %(since_ns)s AND ts_event < %(before_ns)s
        AND (%(outcome)s::text IS NULL OR outcome = %(outcome)s)
    ORDER BY ts_event DESC
    FETCH FIRST (%(count)s) ROWS WITH TIES
) AS found
LEFT JOIN LATERAL (
    SELECT body_field(body, 'words') AS words FROM aether_risk_decisions AS said
    WHERE said.run_id = found.run_id AND said.decision_id = found.decision_id
    ORDER BY seq DESC LIMIT 1
) AS sizing ON true
LEFT JOIN LATERAL (
    SELECT provider || ': ' || decision || coalesce('. ' || nullif(reasoning, ''), '') AS words
    FROM llm_strategic_decisions AS said
    WHERE said.run_id = found.run_id AND said.decision_id = found.decision_id
    ORDER BY seq DESC LIMIT 1
) AS gate ON true
LEFT JOIN LATERAL (
    SELECT CASE WHEN passed THEN 'all checks passed' ELSE (
        SELECT string_agg(concat_ws(': ', check_ ->> 'name', nullif(check_ ->> 'words', '')), '; ')
        FROM json_array_elements(body_field(body, 'checks')::json) AS check_
        WHERE check_ ->> 'passed' = 'false'
    ) END AS words
    FROM guardian_checks AS said
    WHERE said.run_id = found.run_id AND said.decision_id = found.decision_id
    ORDER BY seq DESC LIMIT 1
) AS guardian ON true
ORDER BY found.ts_event DESC, found.run_id DESC, found.decision_id DESC

-- name: watch_trades
SELECT
    run_id, decision_id, ts_event AS ts_ns, entry_ts_ns AS opened_ns, instrument_id, side, quantity::float8 AS quantity,
    entry_price::float8 AS entry_price, exit_price::float8 AS exit_price, stop_price::float8 AS stop_price,
    target_price::float8 AS target_price, close_reason, pnl::float8 AS pnl, costs::float8 AS costs
FROM positions
WHERE mode = %(mode)s AND ts_event < %(before_ns)s
ORDER BY ts_event DESC, run_id DESC, seq DESC
LIMIT %(count)s

-- name: watch_events
SELECT run_id, ts_ns, kind, words, state, instrument_id, decision_id FROM (
    (
        SELECT run_id, seq, ts_event AS ts_ns, kind, words, '' AS state, instrument_id, decision_id
        FROM engine_events
        WHERE mode = %(mode)s AND ts_event < %(before_ns)s
        ORDER BY ts_event DESC, run_id DESC, seq DESC
        LIMIT %(count)s
    )
    UNION ALL
    (
        SELECT run_id, seq, ts_event, 'kill_switch', concat_ws(': ', state, nullif(words, '')), state, '', ''
        FROM trading_mode_state_history
        WHERE mode = %(mode)s AND ts_event < %(before_ns)s
        ORDER BY ts_event DESC, run_id DESC, seq DESC
        LIMIT %(count)s
    )
) AS found
ORDER BY ts_ns DESC, run_id DESC, seq DESC
LIMIT %(count)s

-- name: watch_rebalances
SELECT run_id, body::text AS body
FROM rebalancing_events
WHERE mode = %(mode)s
ORDER BY ts_event DESC, run_id DESC, seq DESC
LIMIT %(count)s
