-- Keeping and erasing what was read, said and written: legal holds, erasures that somebody asked for, and up to
-- which day retention has been through. Twin: ../sqlite/ with the same number and name.

CREATE TABLE holds (
    id          UUID PRIMARY KEY,
    lifted_by   TEXT,
    lift_reason TEXT,
    lifted_at   BIGINT,
    version     BIGINT NOT NULL CHECK (version >= 1),
    workflow    TEXT,
    record      TEXT,
    from_at     BIGINT,
    to_at       BIGINT,
    reason      TEXT NOT NULL CHECK (reason <> ''),
    placed_by   TEXT NOT NULL CHECK (placed_by <> ''),
    placed_at   BIGINT NOT NULL,
    -- A hold on everything is said as a hold from a time on.
    CHECK (workflow IS NOT NULL OR record IS NOT NULL OR from_at IS NOT NULL OR to_at IS NOT NULL),
    CHECK ((lifted_at IS NULL) = (lifted_by IS NULL)),
    CHECK ((lifted_at IS NULL) = (lift_reason IS NULL))
);

CREATE TABLE erasures (
    id         UUID PRIMARY KEY,
    done_at    BIGINT,
    version    BIGINT NOT NULL CHECK (version >= 1),
    about      TEXT NOT NULL CHECK (about = 'run' OR about = 'record' OR about = 'customer'),
    policy     TEXT NOT NULL CHECK (policy <> ''),
    reason     TEXT NOT NULL CHECK (reason <> ''),
    objects    TEXT NOT NULL,
    ordered_by TEXT NOT NULL CHECK (ordered_by <> ''),
    ordered_at BIGINT NOT NULL
);
CREATE INDEX erasures_open ON erasures (ordered_at) WHERE done_at IS NULL;

-- Derived: days up to done_to hold nothing that is due, except those in the list.
CREATE TABLE retention_marks (
    workflow TEXT NOT NULL,
    class    TEXT NOT NULL CHECK (class = 'public' OR class = 'internal' OR class = 'confidential' OR class = 'restricted'),
    done_to  TEXT NOT NULL,
    waiting  TEXT NOT NULL,
    PRIMARY KEY (workflow, class)
);

-- How often the holds changed: an erasure goes through only while they are the ones it read.
CREATE TABLE privacy_head (
    one   BIGINT PRIMARY KEY CHECK (one = 1),
    holds BIGINT NOT NULL
);
INSERT INTO privacy_head (one, holds) VALUES (1, 0);

-- What quotes a run is found by the run.
CREATE INDEX intake_run ON intake (run_id) WHERE run_id IS NOT NULL;
CREATE INDEX corrections_run ON corrections (run_id);
CREATE INDEX unmapped_run ON unmapped (run_id);
CREATE INDEX runs_rerun ON runs (rerun_of) WHERE rerun_of IS NOT NULL;
