-- The gate of a release: one row beside it, and the results of its evaluation as they come. A release
-- that was never evaluated has neither.
CREATE TABLE release_gates (
    release_id  UUID PRIMARY KEY REFERENCES releases (id),
    repeats     BIGINT NOT NULL CHECK (repeats >= 1),
    started_at  BIGINT NOT NULL,
    started_by  TEXT NOT NULL,
    finished_at BIGINT,
    judged      BYTEA,
    judged_hash BYTEA CHECK (judged_hash IS NULL OR length(judged_hash) = 32),
    decided_at  BIGINT,
    decided_by  TEXT,
    reason      TEXT,
    live_at     BIGINT,
    -- A verdict, its bytes and its hash come together or not at all.
    CHECK ((finished_at IS NULL) = (judged IS NULL) AND (judged IS NULL) = (judged_hash IS NULL)),
    CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
    -- Live only after a verdict and a person.
    CHECK (live_at IS NULL OR (finished_at IS NOT NULL AND decided_by IS NOT NULL))
);

CREATE TABLE eval_parts (
    release_id UUID NOT NULL REFERENCES releases (id),
    part       BIGINT NOT NULL CHECK (part >= 0),
    results    BYTEA NOT NULL CHECK (length(results) > 0),
    PRIMARY KEY (release_id, part)
);
