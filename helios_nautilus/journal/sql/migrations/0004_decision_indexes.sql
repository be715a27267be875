-- The view `decisions` joins these tables by decision, which an index on some of the rows cannot serve.
DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY[
        'ml_predictions', 'strategy_signals', 'aether_risk_decisions', 'llm_strategic_decisions', 'guardian_checks',
        'orders', 'fills'
    ] LOOP
        EXECUTE format('DROP INDEX %I', name || '_decision_id');
        EXECUTE format('CREATE INDEX %I ON %I (decision_id, run_id, seq)', name || '_decision_id', name);
    END LOOP;
END $$;

-- The newest decisions first.
CREATE INDEX ml_predictions_ts_event ON ml_predictions (ts_event, run_id, decision_id);
