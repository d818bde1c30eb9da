-- The gate of a release: one row beside it, and the results of its evaluation as they come. A release
-- that was never evaluated has neither.
CREATE TABLE release_gates (
    release_id  BLOB PRIMARY KEY CHECK (length(release_id) = 16) REFERENCES releases (id),
    repeats     INTEGER NOT NULL CHECK (repeats >= 1),
    started_at  INTEGER NOT NULL,
    started_by  TEXT NOT NULL,
    finished_at INTEGER,
    judged      BLOB,
    judged_hash BLOB CHECK (judged_hash IS NULL OR length(judged_hash) = 32),
    decided_at  INTEGER,
    decided_by  TEXT,
    reason      TEXT,
    live_at     INTEGER,
    -- A verdict, its bytes and its hash come together or not at all.
    CHECK ((finished_at IS NULL) = (judged IS NULL) AND (judged IS NULL) = (judged_hash IS NULL)),
    CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
    -- Live only after a verdict and a person.
    CHECK (live_at IS NULL OR (finished_at IS NOT NULL AND decided_by IS NOT NULL))
) STRICT;

CREATE TABLE eval_parts (
    release_id BLOB NOT NULL CHECK (length(release_id) = 16) REFERENCES releases (id),
    part       INTEGER NOT NULL CHECK (part >= 0),
    results    BLOB NOT NULL CHECK (length(results) > 0),
    PRIMARY KEY (release_id, part)
) STRICT;
