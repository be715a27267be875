-- Where the kill switch stands now: the newest state of each mode.
CREATE VIEW trading_mode_state AS
    SELECT DISTINCT ON (mode) mode, state, trigger, words, ts_event, ts_recorded, run_id, seq
    FROM trading_mode_state_history
    ORDER BY mode, ts_recorded DESC, seq DESC;

-- Everything that was written, in order.
CREATE VIEW journal AS
    SELECT 'runs' AS source, run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash FROM runs
    UNION ALL
    SELECT 'ml_models', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash FROM ml_models
    UNION ALL
    SELECT 'ml_predictions', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM ml_predictions
    UNION ALL
    SELECT 'prediction_outcomes', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM prediction_outcomes
    UNION ALL
    SELECT 'strategy_signals', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM strategy_signals
    UNION ALL
    SELECT 'volatility_forecasts', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM volatility_forecasts
    UNION ALL
    SELECT 'aether_risk_decisions', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM aether_risk_decisions
    UNION ALL
    SELECT 'market_context_snapshots', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM market_context_snapshots
    UNION ALL
    SELECT 'llm_calls', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash FROM llm_calls
    UNION ALL
    SELECT 'llm_strategic_decisions', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM llm_strategic_decisions
    UNION ALL
    SELECT 'guardian_checks', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM guardian_checks
    UNION ALL
    SELECT 'orders', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash FROM orders
    UNION ALL
    SELECT 'fills', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash FROM fills
    UNION ALL
    SELECT 'positions', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash FROM positions
    UNION ALL
    SELECT 'equity_marks', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM equity_marks
    UNION ALL
    SELECT 'portfolio_snapshots', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM portfolio_snapshots
    UNION ALL
    SELECT 'rebalancing_events', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM rebalancing_events
    UNION ALL
    SELECT 'trading_mode_state_history', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body,
        hash
    FROM trading_mode_state_history
    UNION ALL
    SELECT 'engine_events', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM engine_events
    ORDER BY run_id, seq;

-- One row a prediction: what became of it, and why. Every tier's last word counts; a tier that said nothing said no.
CREATE VIEW decisions AS
    SELECT
        prediction.run_id,
        prediction.decision_id,
        prediction.mode,
        prediction.ts_event,
        prediction.instrument_id,
        CASE WHEN prediction.p_buy >= prediction.p_sell THEN 'LONG' ELSE 'SHORT' END AS side,
        greatest(prediction.p_buy, prediction.p_sell) AS p_side,
        CASE
            WHEN fill.seq IS NOT NULL THEN 'entered'
            WHEN signal.action = 'exit' THEN 'exit'
            WHEN signal.action IS DISTINCT FROM 'proposed' THEN 'rejected-by-strategy'
            WHEN sizing.approved IS NOT TRUE THEN 'rejected-by-aether'
            WHEN gate.decision IS NULL OR gate.decision = 'REJECT' THEN 'rejected-by-gate'
            WHEN guardian.passed IS NOT TRUE THEN 'rejected-by-guardian'
            ELSE 'rejected-by-venue'
        END AS outcome,
        CASE
            WHEN fill.seq IS NOT NULL THEN 'filled'
            WHEN signal.action IS DISTINCT FROM 'proposed' THEN coalesce(signal.reason, 'no_answer')
            WHEN sizing.approved IS NOT TRUE THEN coalesce(sizing.reason, 'no_answer')
            WHEN gate.decision IS NULL OR gate.decision = 'REJECT' THEN coalesce(gate.flag, gate.decision, 'no_answer')
            WHEN guardian.passed IS NOT TRUE THEN coalesce(guardian.failed, 'no_answer')
            ELSE coalesce(placed.status, 'no_answer')
        END AS reason
    FROM ml_predictions AS prediction
    LEFT JOIN LATERAL (
        SELECT action, reason FROM strategy_signals AS said
        WHERE said.run_id = prediction.run_id AND said.decision_id = prediction.decision_id
        ORDER BY seq DESC LIMIT 1
    ) AS signal ON true
    LEFT JOIN LATERAL (
        SELECT approved, reason FROM aether_risk_decisions AS said
        WHERE said.run_id = prediction.run_id AND said.decision_id = prediction.decision_id
        ORDER BY seq DESC LIMIT 1
    ) AS sizing ON true
    LEFT JOIN LATERAL (
        SELECT decision, body_field(body, 'risk_flags')::json ->> 0 AS flag FROM llm_strategic_decisions AS said
        WHERE said.run_id = prediction.run_id AND said.decision_id = prediction.decision_id
        ORDER BY seq DESC LIMIT 1
    ) AS gate ON true
    LEFT JOIN LATERAL (
        SELECT passed, (
            SELECT string_agg(answer ->> 'name', '+')
            FROM json_array_elements(body_field(body, 'checks')::json) AS answer
            WHERE answer ->> 'passed' = 'false'
        ) AS failed
        FROM guardian_checks AS said
        WHERE said.run_id = prediction.run_id AND said.decision_id = prediction.decision_id
        ORDER BY seq DESC LIMIT 1
    ) AS guardian ON true
    LEFT JOIN LATERAL (
        SELECT status FROM orders AS said
        WHERE said.run_id = prediction.run_id AND said.decision_id = prediction.decision_id AND said.role = 'ENTRY'
        ORDER BY seq DESC LIMIT 1
    ) AS placed ON true
    LEFT JOIN LATERAL (
        SELECT seq FROM fills AS said
        WHERE said.run_id = prediction.run_id AND said.decision_id = prediction.decision_id AND said.role = 'ENTRY'
        LIMIT 1
    ) AS fill ON true;
