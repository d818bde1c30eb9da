-- The rollout of a workflow beside label, stage and switch; what was decided about it; what people and other
-- systems say about its outputs afterwards. Twin: ../postgres/ with the same number and name.
ALTER TABLE runs ADD COLUMN scope TEXT;
ALTER TABLE workflows ADD COLUMN scope TEXT NOT NULL DEFAULT '{}';
ALTER TABLE workflows ADD COLUMN fallback INTEGER NOT NULL DEFAULT 0 CHECK (fallback = 0 OR fallback = 1);
ALTER TABLE workflows ADD COLUMN retiring INTEGER NOT NULL DEFAULT 0 CHECK (retiring = 0 OR retiring = 1);
ALTER TABLE workflows ADD COLUMN staged_at INTEGER;
ALTER TABLE workflows ADD COLUMN counted_from INTEGER;
ALTER TABLE workflows ADD COLUMN switched_at INTEGER;
ALTER TABLE workflows ADD COLUMN switched_by TEXT;
ALTER TABLE workflows ADD COLUMN switch_reason TEXT;

CREATE TABLE decisions (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    workflow   TEXT NOT NULL,
    choice     TEXT NOT NULL CHECK (choice = 'stop' OR choice = 'redesign' OR choice = 'another_pilot' OR
                                    choice = 'narrow' OR choice = 'proceed'),
    question   TEXT NOT NULL CHECK (question <> ''),
    evidence   TEXT NOT NULL CHECK (evidence <> ''),
    reason     TEXT NOT NULL CHECK (reason <> ''),
    decided_by TEXT NOT NULL CHECK (decided_by <> ''),
    decided_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX decisions_of ON decisions (workflow, decided_at);

CREATE TABLE signals (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    workflow    TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind <> ''),
    run_id      BLOB CHECK (run_id IS NULL OR length(run_id) = 16),
    record      TEXT,
    wrong       INTEGER NOT NULL CHECK (wrong = 0 OR wrong = 1),
    posted_by   TEXT NOT NULL CHECK (posted_by <> ''),
    received_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX signals_once ON signals (run_id, kind) WHERE run_id IS NOT NULL;
CREATE INDEX signals_of ON signals (workflow, kind, received_at, id);
