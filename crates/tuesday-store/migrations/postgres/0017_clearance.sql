-- A release that reads, sends or may do more than the live one is cleared by a security approver
-- before anybody approves it.
ALTER TABLE release_gates ADD COLUMN cleared_at BIGINT;
ALTER TABLE release_gates ADD COLUMN cleared_by TEXT;
