-- The whole schema as the migrations leave it, to be read in one piece; a test holds the two together.

-- Which migrations have been applied.
CREATE TABLE schema_versions (
    version integer PRIMARY KEY,
    name text NOT NULL,
    applied_ns bigint NOT NULL
);

-- One table a kind of record. Every table has the same columns to write; the typed ones are read out of the body by
-- the server, so that one INSERT or COPY serves all tables and what a query sees is what was hashed.
-- Stamps are nanoseconds UTC. Money and prices are numeric: exact, as the body says them.

-- JSON of ours may hold the escape of NUL, which no text of PostgreSQL's can: a typed column then goes without.
CREATE FUNCTION body_field(body json, name text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE
        WHEN strpos(body::text, '\u0000') = 0 THEN body ->> name
        ELSE regexp_replace(body::text, '(?<!\\)((?:\\\\)*)\\u0000', '\1', 'g')::json ->> name
    END;

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

CREATE TABLE runs (
    LIKE common INCLUDING ALL,
    strategy text GENERATED ALWAYS AS (body_field(body, 'strategy')) STORED,
    data_label text GENERATED ALWAYS AS (body_field(body, 'data_label')) STORED,
    is_synthetic boolean GENERATED ALWAYS AS (body_field(body, 'is_synthetic')::boolean) STORED,
    account_currency text GENERATED ALWAYS AS (body_field(body, 'account_currency')) STORED,
    starting_balance numeric GENERATED ALWAYS AS (body_field(body, 'starting_balance')::numeric) STORED,
    start_ns bigint GENERATED ALWAYS AS (body_field(body, 'start_ns')::bigint) STORED,
    end_ns bigint GENERATED ALWAYS AS (body_field(body, 'end_ns')::bigint) STORED,
    seed bigint GENERATED ALWAYS AS (body_field(body, 'seed')::bigint) STORED,
    config_hash text GENERATED ALWAYS AS (body_field(body, 'config_hash')) STORED,
    model_id text GENERATED ALWAYS AS (body_field(body, 'model_id')) STORED
);

CREATE TABLE ml_models (
    LIKE common INCLUDING ALL,
    model_id text GENERATED ALWAYS AS (body_field(body, 'model_id')) STORED,
    preset text GENERATED ALWAYS AS (body_field(body, 'preset')) STORED
);

CREATE TABLE ml_predictions (
    LIKE common INCLUDING ALL,
    model_id text GENERATED ALWAYS AS (body_field(body, 'model_id')) STORED,
    p_buy double precision GENERATED ALWAYS AS (body_field(body, 'p_buy')::double precision) STORED,
    p_sell double precision GENERATED ALWAYS AS (body_field(body, 'p_sell')::double precision) STORED,
    p_hold double precision GENERATED ALWAYS AS (body_field(body, 'p_hold')::double precision) STORED,
    price numeric GENERATED ALWAYS AS (body_field(body, 'price')::numeric) STORED,
    veto text GENERATED ALWAYS AS (body_field(body, 'veto')) STORED
);

CREATE TABLE prediction_outcomes (
    LIKE common INCLUDING ALL,
    predicted_ns bigint GENERATED ALWAYS AS (body_field(body, 'predicted_ns')::bigint) STORED,
    side text GENERATED ALWAYS AS (body_field(body, 'side')) STORED,
    confidence double precision GENERATED ALWAYS AS (body_field(body, 'confidence')::double precision) STORED,
    label text GENERATED ALWAYS AS (body_field(body, 'label')) STORED,
    net_return double precision GENERATED ALWAYS AS (body_field(body, 'net_return')::double precision) STORED
);

CREATE TABLE strategy_signals (
    LIKE common INCLUDING ALL,
    action text GENERATED ALWAYS AS (body_field(body, 'action')) STORED,
    side text GENERATED ALWAYS AS (body_field(body, 'side')) STORED,
    reason text GENERATED ALWAYS AS (body_field(body, 'reason')) STORED
);

CREATE TABLE volatility_forecasts (
    LIKE common INCLUDING ALL,
    vol_daily double precision GENERATED ALWAYS AS (body_field(body, 'vol_daily')::double precision) STORED,
    regime text GENERATED ALWAYS AS (body_field(body, 'regime')) STORED,
    source text GENERATED ALWAYS AS (body_field(body, 'source')) STORED,
    trigger text GENERATED ALWAYS AS (body_field(body, 'trigger')) STORED,
    alpha double precision GENERATED ALWAYS AS (body_field(body, 'alpha')::double precision) STORED,
    beta double precision GENERATED ALWAYS AS (body_field(body, 'beta')::double precision) STORED,
    omega double precision GENERATED ALWAYS AS (body_field(body, 'omega')::double precision) STORED
);

CREATE TABLE aether_risk_decisions (
    LIKE common INCLUDING ALL,
    side text GENERATED ALWAYS AS (body_field(body, 'side')) STORED,
    approved boolean GENERATED ALWAYS AS (body_field(body, 'approved')::boolean) STORED,
    reason text GENERATED ALWAYS AS (body_field(body, 'reason')) STORED,
    p_win double precision GENERATED ALWAYS AS (body_field(body, 'p_win')::double precision) STORED,
    payoff double precision GENERATED ALWAYS AS (body_field(body, 'payoff')::double precision) STORED,
    confidence double precision GENERATED ALWAYS AS (body_field(body, 'confidence')::double precision) STORED,
    kelly_full double precision GENERATED ALWAYS AS (body_field(body, 'kelly_full')::double precision) STORED,
    fraction double precision GENERATED ALWAYS AS (body_field(body, 'fraction')::double precision) STORED,
    equity numeric GENERATED ALWAYS AS (body_field(body, 'equity')::numeric) STORED,
    drawdown double precision GENERATED ALWAYS AS (body_field(body, 'drawdown')::double precision) STORED,
    notional numeric GENERATED ALWAYS AS (body_field(body, 'notional')::numeric) STORED,
    leverage double precision GENERATED ALWAYS AS (body_field(body, 'leverage')::double precision) STORED,
    stop double precision GENERATED ALWAYS AS (body_field(body, 'stop')::double precision) STORED,
    target double precision GENERATED ALWAYS AS (body_field(body, 'target')::double precision) STORED,
    vol_daily double precision GENERATED ALWAYS AS (body_field(body, 'vol_daily')::double precision) STORED,
    regime text GENERATED ALWAYS AS (body_field(body, 'regime')) STORED
);

-- What the gate was told; the sections are in the body.
CREATE TABLE market_context_snapshots (
    LIKE common INCLUDING ALL
);

-- One question to one provider; its words and the answer's are in the body.
CREATE TABLE llm_calls (
    LIKE common INCLUDING ALL,
    provider text GENERATED ALWAYS AS (body_field(body, 'provider')) STORED,
    model text GENERATED ALWAYS AS (body_field(body, 'model')) STORED,
    source text GENERATED ALWAYS AS (body_field(body, 'source')) STORED,
    request_hash text GENERATED ALWAYS AS (body_field(body, 'request_hash')) STORED,
    outcome text GENERATED ALWAYS AS (body_field(body, 'outcome')) STORED,
    latency_ms double precision GENERATED ALWAYS AS (body_field(body, 'latency_ms')::double precision) STORED,
    input_tokens bigint GENERATED ALWAYS AS (body_field(body, 'input_tokens')::bigint) STORED,
    output_tokens bigint GENERATED ALWAYS AS (body_field(body, 'output_tokens')::bigint) STORED,
    cost_usd numeric GENERATED ALWAYS AS (body_field(body, 'cost_usd')::numeric) STORED
);

CREATE TABLE llm_strategic_decisions (
    LIKE common INCLUDING ALL,
    provider text GENERATED ALWAYS AS (body_field(body, 'provider')) STORED,
    source text GENERATED ALWAYS AS (body_field(body, 'source')) STORED,
    decision text GENERATED ALWAYS AS (body_field(body, 'decision')) STORED,
    reasoning text GENERATED ALWAYS AS (body_field(body, 'reasoning')) STORED,
    multiplier double precision GENERATED ALWAYS AS (body_field(body, 'multiplier')::double precision) STORED,
    notional numeric GENERATED ALWAYS AS (body_field(body, 'notional')::numeric) STORED,
    leverage double precision GENERATED ALWAYS AS (body_field(body, 'leverage')::double precision) STORED,
    stop double precision GENERATED ALWAYS AS (body_field(body, 'stop')::double precision) STORED,
    target double precision GENERATED ALWAYS AS (body_field(body, 'target')::double precision) STORED,
    latency_ms double precision GENERATED ALWAYS AS (body_field(body, 'latency_ms')::double precision) STORED
);

-- All checks of one entry are one row; the checks are in the body.
CREATE TABLE guardian_checks (
    LIKE common INCLUDING ALL,
    passed boolean GENERATED ALWAYS AS (body_field(body, 'passed')::boolean) STORED
);

CREATE TABLE orders (
    LIKE common INCLUDING ALL,
    client_order_id text GENERATED ALWAYS AS (body_field(body, 'client_order_id')) STORED,
    role text GENERATED ALWAYS AS (body_field(body, 'role')) STORED,
    side text GENERATED ALWAYS AS (body_field(body, 'side')) STORED,
    order_type text GENERATED ALWAYS AS (body_field(body, 'order_type')) STORED,
    quantity numeric GENERATED ALWAYS AS (body_field(body, 'quantity')::numeric) STORED,
    price numeric GENERATED ALWAYS AS (body_field(body, 'price')::numeric) STORED,
    status text GENERATED ALWAYS AS (body_field(body, 'status')) STORED,
    reason text GENERATED ALWAYS AS (body_field(body, 'reason')) STORED
);

CREATE TABLE fills (
    LIKE common INCLUDING ALL,
    client_order_id text GENERATED ALWAYS AS (body_field(body, 'client_order_id')) STORED,
    trade_id text GENERATED ALWAYS AS (body_field(body, 'trade_id')) STORED,
    role text GENERATED ALWAYS AS (body_field(body, 'role')) STORED,
    side text GENERATED ALWAYS AS (body_field(body, 'side')) STORED,
    quantity numeric GENERATED ALWAYS AS (body_field(body, 'quantity')::numeric) STORED,
    price numeric GENERATED ALWAYS AS (body_field(body, 'price')::numeric) STORED,
    commission numeric GENERATED ALWAYS AS (body_field(body, 'commission')::numeric) STORED,
    commission_currency text GENERATED ALWAYS AS (body_field(body, 'commission_currency')) STORED,
    commission_value numeric GENERATED ALWAYS AS (body_field(body, 'commission_value')::numeric) STORED,
    liquidity text GENERATED ALWAYS AS (body_field(body, 'liquidity')) STORED
);

-- Closed positions.
CREATE TABLE positions (
    LIKE common INCLUDING ALL,
    position_id text GENERATED ALWAYS AS (body_field(body, 'position_id')) STORED,
    side text GENERATED ALWAYS AS (body_field(body, 'side')) STORED,
    quantity numeric GENERATED ALWAYS AS (body_field(body, 'quantity')::numeric) STORED,
    entry_ts_ns bigint GENERATED ALWAYS AS (body_field(body, 'entry_ts_ns')::bigint) STORED,
    entry_price numeric GENERATED ALWAYS AS (body_field(body, 'entry_price')::numeric) STORED,
    exit_price numeric GENERATED ALWAYS AS (body_field(body, 'exit_price')::numeric) STORED,
    stop_price numeric GENERATED ALWAYS AS (body_field(body, 'stop_price')::numeric) STORED,
    target_price numeric GENERATED ALWAYS AS (body_field(body, 'target_price')::numeric) STORED,
    close_reason text GENERATED ALWAYS AS (body_field(body, 'close_reason')) STORED,
    pnl numeric GENERATED ALWAYS AS (body_field(body, 'pnl')::numeric) STORED,
    costs numeric GENERATED ALWAYS AS (body_field(body, 'costs')::numeric) STORED
);

CREATE TABLE equity_marks (
    LIKE common INCLUDING ALL,
    equity numeric GENERATED ALWAYS AS (body_field(body, 'equity')::numeric) STORED,
    peak numeric GENERATED ALWAYS AS (body_field(body, 'peak')::numeric) STORED,
    drawdown double precision GENERATED ALWAYS AS (body_field(body, 'drawdown')::double precision) STORED,
    exposure double precision GENERATED ALWAYS AS (body_field(body, 'exposure')::double precision) STORED,
    open_positions integer GENERATED ALWAYS AS (body_field(body, 'open_positions')::integer) STORED
);

-- The end of a UTC day; the holdings are in the body.
CREATE TABLE portfolio_snapshots (
    LIKE common INCLUDING ALL,
    equity numeric GENERATED ALWAYS AS (body_field(body, 'equity')::numeric) STORED,
    cash numeric GENERATED ALWAYS AS (body_field(body, 'cash')::numeric) STORED,
    drawdown double precision GENERATED ALWAYS AS (body_field(body, 'drawdown')::double precision) STORED,
    pnl numeric GENERATED ALWAYS AS (body_field(body, 'pnl')::numeric) STORED,
    costs numeric GENERATED ALWAYS AS (body_field(body, 'costs')::numeric) STORED
);

CREATE TABLE rebalancing_events (
    LIKE common INCLUDING ALL,
    reason text GENERATED ALWAYS AS (body_field(body, 'reason')) STORED,
    equity numeric GENERATED ALWAYS AS (body_field(body, 'equity')::numeric) STORED
);

CREATE TABLE trading_mode_state_history (
    LIKE common INCLUDING ALL,
    state text GENERATED ALWAYS AS (body_field(body, 'state')) STORED,
    trigger text GENERATED ALWAYS AS (body_field(body, 'trigger')) STORED,
    words text GENERATED ALWAYS AS (body_field(body, 'words')) STORED
);

CREATE TABLE engine_events (
    LIKE common INCLUDING ALL,
    kind text GENERATED ALWAYS AS (body_field(body, 'kind')) STORED,
    words text GENERATED ALWAYS AS (body_field(body, 'words')) STORED
);

-- What a simulated account begins a run with; balances and holdings are in the body.
CREATE TABLE account_states (
    LIKE common INCLUDING ALL,
    continues text GENERATED ALWAYS AS (body_field(body, 'continues')) STORED
);

CREATE INDEX orders_client_order_id ON orders (client_order_id);
CREATE INDEX fills_client_order_id ON fills (client_order_id);
CREATE INDEX fills_trade_id ON fills (trade_id);
CREATE INDEX positions_position_id ON positions (position_id) WHERE position_id <> '';
CREATE INDEX llm_calls_request_hash ON llm_calls (request_hash);
-- The newest decisions first.
CREATE INDEX ml_predictions_ts_event ON ml_predictions (ts_event, run_id, decision_id);
-- What watches an account asks for the newest of its mode.
CREATE INDEX ml_predictions_mode ON ml_predictions (mode, ts_event);
CREATE INDEX aether_risk_decisions_mode ON aether_risk_decisions (mode, ts_event);
CREATE INDEX positions_mode ON positions (mode, ts_event);
CREATE INDEX equity_marks_mode ON equity_marks (mode, ts_event);
CREATE INDEX rebalancing_events_mode ON rebalancing_events (mode, ts_event);
CREATE INDEX trading_mode_state_history_mode ON trading_mode_state_history (mode, ts_event);
CREATE INDEX engine_events_mode ON engine_events (mode, ts_event);

-- Rows are added, never changed, and taken out by retention alone: a whole run at a time, by a transaction that has
-- named the run in the setting helios.retired_run.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND OLD.run_id = current_setting('helios.retired_run', true) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the journal is append-only: % of row % of run % in % is refused',
        lower(TG_OP), OLD.seq, OLD.run_id, TG_TABLE_NAME
        USING HINT = 'helios journal prune takes out whole runs';
END $$;

CREATE FUNCTION refuse_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only: truncate of % is refused', TG_TABLE_NAME
        USING HINT = 'helios journal prune takes out whole runs';
END $$;

-- How far each run's chain has come, kept by the tables themselves: a run whose last rows are gone is found out.
CREATE TABLE chain_heads (
    run_id text PRIMARY KEY,
    last_seq bigint NOT NULL,
    head bytea NOT NULL,
    first_recorded bigint NOT NULL,
    last_recorded bigint NOT NULL
);

CREATE FUNCTION advance_chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO chain_heads AS known (run_id, last_seq, head, first_recorded, last_recorded)
        SELECT DISTINCT ON (run_id)
            run_id, seq, hash,
            min(ts_recorded) OVER (PARTITION BY run_id),
            max(ts_recorded) OVER (PARTITION BY run_id)
        FROM added
        ORDER BY run_id, seq DESC
    ON CONFLICT (run_id) DO UPDATE SET
        last_seq = greatest(known.last_seq, excluded.last_seq),
        head = CASE WHEN excluded.last_seq > known.last_seq THEN excluded.head ELSE known.head END,
        first_recorded = least(known.first_recorded, excluded.first_recorded),
        last_recorded = greatest(known.last_recorded, excluded.last_recorded);
    RETURN NULL;
END $$;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'runs', 'ml_models', 'ml_predictions', 'prediction_outcomes', 'strategy_signals', 'volatility_forecasts',
        'aether_risk_decisions', 'market_context_snapshots', 'llm_calls', 'llm_strategic_decisions',
        'guardian_checks', 'orders', 'fills', 'positions', 'equity_marks', 'portfolio_snapshots',
        'rebalancing_events', 'trading_mode_state_history', 'engine_events', 'account_states'
    ] LOOP
        -- The view `decisions` joins its tables by decision, which an index on some of the rows cannot serve.
        EXECUTE format('CREATE INDEX %I ON %I ' || CASE
            WHEN name IN (
                'ml_predictions', 'strategy_signals', 'aether_risk_decisions', 'llm_strategic_decisions',
                'guardian_checks', 'orders', 'fills'
            ) THEN '(decision_id, run_id, seq)'
            ELSE '(decision_id, run_id) WHERE decision_id <> '''''
        END, name || '_decision_id', name);
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I '
            'FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate()', name);
        EXECUTE format('CREATE TRIGGER chain AFTER INSERT ON %I REFERENCING NEW TABLE AS added '
            'FOR EACH STATEMENT EXECUTE FUNCTION advance_chain()', name);
    END LOOP;
END $$;

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
    UNION ALL
    SELECT 'account_states', run_id, seq, mode, ts_event, ts_recorded, decision_id, instrument_id, body, hash
    FROM account_states
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
