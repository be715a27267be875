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
    LIKE common INCLUDING ALL
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

CREATE INDEX orders_client_order_id ON orders (client_order_id);
CREATE INDEX fills_client_order_id ON fills (client_order_id);
CREATE INDEX fills_trade_id ON fills (trade_id);
CREATE INDEX positions_position_id ON positions (position_id) WHERE position_id <> '';
CREATE INDEX llm_calls_request_hash ON llm_calls (request_hash);
