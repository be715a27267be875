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
        'rebalancing_events', 'trading_mode_state_history', 'engine_events'
    ] LOOP
        EXECUTE format('CREATE INDEX %I ON %I (decision_id, run_id) WHERE decision_id <> ''''',
            name || '_decision_id', name);
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON %I '
            'FOR EACH ROW EXECUTE FUNCTION refuse_change()', name);
        EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %I '
            'FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncate()', name);
        EXECUTE format('CREATE TRIGGER chain AFTER INSERT ON %I REFERENCING NEW TABLE AS added '
            'FOR EACH STATEMENT EXECUTE FUNCTION advance_chain()', name);
    END LOOP;
END $$;
