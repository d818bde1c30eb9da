-- What shows that a correction is done: a receipt that was looked up, or no more than somebody's word.
-- Until now a receipt was typed, except where the machine itself had put the value back.
-- Twin: ../sqlite/ with the same name.

CREATE TABLE corrections_proved (
    id          UUID PRIMARY KEY,
    state       TEXT NOT NULL CHECK (state = 'open' OR state = 'done' OR state = 'dropped'),
    owner       TEXT NOT NULL CHECK (owner <> ''),
    due_at      BIGINT NOT NULL,
    receipt     TEXT,
    settled_by  TEXT,
    settled_at  BIGINT,
    note        TEXT,
    proof       TEXT CHECK (proof = 'action' OR proof = 'read_back' OR proof = 'word'),
    version     BIGINT NOT NULL CHECK (version >= 1),
    incident_id UUID NOT NULL,
    run_id      UUID NOT NULL,
    action_id   UUID,
    place       TEXT NOT NULL,
    words       TEXT NOT NULL CHECK (words <> ''),
    created_at  BIGINT NOT NULL,
    CHECK ((state = 'open') = (settled_at IS NULL)),
    CHECK ((settled_at IS NULL) = (settled_by IS NULL)),
    CHECK ((state = 'done') = (proof IS NOT NULL)),
    -- What was looked up has a receipt; a word has none, and is a note.
    CHECK (state <> 'done' OR (proof <> 'word') = (coalesce(receipt, '') <> '')),
    CHECK (coalesce(proof, '') <> 'word' OR coalesce(note, '') <> ''),
    CHECK (state <> 'dropped' OR coalesce(note, '') <> '')
);
INSERT INTO corrections_proved (id, state, owner, due_at, receipt, settled_by, settled_at, note, proof, version,
    incident_id, run_id, action_id, place, words, created_at)
SELECT id, state, owner, due_at,
    CASE WHEN state = 'done' AND receipt LIKE 'act\_% put the old value back, key %' ESCAPE '\' THEN receipt END,
    settled_by, settled_at,
    CASE WHEN state = 'done' AND receipt NOT LIKE 'act\_% put the old value back, key %' ESCAPE '\' THEN receipt
         ELSE note END,
    CASE WHEN state <> 'done' THEN NULL
         WHEN receipt LIKE 'act\_% put the old value back, key %' ESCAPE '\' THEN 'action'
         ELSE 'word' END,
    version, incident_id, run_id, action_id, place, words, created_at
FROM corrections;
DROP TABLE corrections;
ALTER TABLE corrections_proved RENAME TO corrections;
CREATE INDEX corrections_incident ON corrections (incident_id, id);
CREATE INDEX corrections_open ON corrections (due_at) WHERE state = 'open';
