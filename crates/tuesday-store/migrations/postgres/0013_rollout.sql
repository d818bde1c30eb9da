-- The rollout of a workflow beside label, stage and switch; what was decided about it; what people and other
-- systems say about its outputs afterwards. Twin: ../sqlite/ with the same number and name.
ALTER TABLE runs ADD COLUMN scope TEXT;
ALTER TABLE workflows ADD COLUMN scope TEXT NOT NULL DEFAULT '{}';
ALTER TABLE workflows ADD COLUMN fallback BIGINT NOT NULL DEFAULT 0 CHECK (fallback = 0 OR fallback = 1);
ALTER TABLE workflows ADD COLUMN retiring BIGINT NOT NULL DEFAULT 0 CHECK (retiring = 0 OR retiring = 1);
ALTER TABLE workflows ADD COLUMN staged_at BIGINT;
ALTER TABLE workflows ADD COLUMN counted_from BIGINT;
ALTER TABLE workflows ADD COLUMN switched_at BIGINT;
ALTER TABLE workflows ADD COLUMN switched_by TEXT;
ALTER TABLE workflows ADD COLUMN switch_reason TEXT;

CREATE TABLE decisions (
    id         UUID PRIMARY KEY,
    workflow   TEXT NOT NULL,
    choice     TEXT NOT NULL CHECK (choice = 'stop' OR choice = 'redesign' OR choice = 'another_pilot' OR
                                    choice = 'narrow' OR choice = 'proceed'),
    question   TEXT NOT NULL CHECK (question <> ''),
    evidence   TEXT NOT NULL CHECK (evidence <> ''),
    reason     TEXT NOT NULL CHECK (reason <> ''),
    decided_by TEXT NOT NULL CHECK (decided_by <> ''),
    decided_at BIGINT NOT NULL
);
CREATE INDEX decisions_of ON decisions (workflow, decided_at);

-- One table for what is said about outputs: pause rules, kill conditions and incidents read the same rows.
ALTER TABLE outside_signals RENAME TO signals;
ALTER TABLE signals RENAME COLUMN sent_by TO posted_by;
ALTER TABLE signals ADD COLUMN record TEXT;
ALTER TABLE signals ADD COLUMN wrong BIGINT NOT NULL DEFAULT 1 CHECK (wrong = 0 OR wrong = 1);
ALTER TABLE signals ADD COLUMN received_at BIGINT NOT NULL DEFAULT 0;
UPDATE signals SET received_at = at;
DROP INDEX outside_signals_at;
CREATE INDEX signals_at ON signals (workflow, kind, at);
CREATE INDEX signals_of ON signals (workflow, kind, received_at, event);
CREATE INDEX signals_run ON signals (run_id, kind) WHERE run_id IS NOT NULL;
