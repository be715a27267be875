-- What it takes to run a node: rebalancings, the state of a simulated account, an operator's orders, a node's status.

ALTER TABLE rebalancing_events
    ADD COLUMN reason text GENERATED ALWAYS AS (body_field(body, 'reason')) STORED,
    ADD COLUMN equity numeric GENERATED ALWAYS AS (body_field(body, 'equity')::numeric) STORED;

CREATE TEMPORARY TABLE common (
    run_id text NOT NULL,
    seq bigint NOT NULL CHECK (seq >= 0),
    mode text NOT NULL CHECK (mode IN ('backtest', 'paper', 'live')),
    ts_event bigint NOT NULL,
    ts_recorded bigint NOT NULL,
    decision_id text NOT NULL,
    instrument_id text NOT NULL,
    body json NOT NULL,
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (run_id, seq)
) ON COMMIT DROP;

-- What a simulated account begins a run with; balances and holdings are in the body.
CREATE TABLE account_states (
    LIKE common INCLUDING ALL,
    continues text GENERATED ALWAYS AS (body_field(body, 'continues')) STORED
);

CREATE INDEX account_states_decision_id ON account_states (decision_id, run_id) WHERE decision_id <> '';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON account_states
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON account_states
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate();
CREATE TRIGGER chain AFTER INSERT ON account_states REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION advance_chain();

-- Everything that was written, in order.
CREATE OR REPLACE VIEW journal AS
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
    UNION ALL
    SELECT 'account_states', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM account_states
    ORDER BY run_id, seq;

-- What operators order, and what nodes say they made of it: rows are added, never changed. A command belongs to a mode,
-- not to a run: the node that is running, or the next one, obeys it.
CREATE TABLE operator_commands (
    command_id text PRIMARY KEY,
    ts_ns bigint NOT NULL,
    mode text NOT NULL CHECK (mode IN ('paper', 'live')),
    verb text NOT NULL,
    who text NOT NULL CHECK (who <> ''),
    origin text NOT NULL,
    body json NOT NULL
);
CREATE INDEX operator_commands_ts_ns ON operator_commands (mode, ts_ns);

CREATE TABLE operator_answers (
    command_id text PRIMARY KEY REFERENCES operator_commands,
    ts_ns bigint NOT NULL,
    run_id text NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('done', 'refused', 'expired')),
    words text NOT NULL
);

CREATE FUNCTION refuse_unsaying() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'what an operator ordered stays: % in % is refused', lower(TG_OP), TG_TABLE_NAME;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON operator_commands FOR EACH ROW EXECUTE FUNCTION refuse_unsaying();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON operator_answers FOR EACH ROW EXECUTE FUNCTION refuse_unsaying();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON operator_commands EXECUTE FUNCTION refuse_unsaying();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON operator_answers EXECUTE FUNCTION refuse_unsaying();

-- A node and those who watch it hear of a new row at once.
CREATE FUNCTION tell_command() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('helios_commands', NEW.mode);
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON operator_commands FOR EACH ROW EXECUTE FUNCTION tell_command();

CREATE FUNCTION tell_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('helios_answers', NEW.command_id);
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT ON operator_answers FOR EACH ROW EXECUTE FUNCTION tell_answer();

-- How each mode's node is now: one row a mode, written over from second to second. It explains nothing that was
-- decided, so it is no record.
CREATE TABLE node_status (
    mode text PRIMARY KEY CHECK (mode IN ('paper', 'live')),
    ts_ns bigint NOT NULL,
    run_id text NOT NULL,
    body json NOT NULL
);

CREATE FUNCTION tell_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_notify('helios_status', NEW.mode);
    RETURN NULL;
END $$;
CREATE TRIGGER tell AFTER INSERT OR UPDATE ON node_status FOR EACH ROW EXECUTE FUNCTION tell_status();
