-- What watches an account asks for the newest of its mode.
CREATE INDEX ml_predictions_mode ON ml_predictions (mode, ts_event);
CREATE INDEX aether_risk_decisions_mode ON aether_risk_decisions (mode, ts_event);
CREATE INDEX positions_mode ON positions (mode, ts_event);
CREATE INDEX equity_marks_mode ON equity_marks (mode, ts_event);
CREATE INDEX rebalancing_events_mode ON rebalancing_events (mode, ts_event);
CREATE INDEX trading_mode_state_history_mode ON trading_mode_state_history (mode, ts_event);
CREATE INDEX engine_events_mode ON engine_events (mode, ts_event);
