-- First shifts: somebody decides a fixed queue of known cases alone, after the training.
-- Twin: ../sqlite/ with the same number and name.
CREATE TABLE first_shifts (
    workflow       TEXT NOT NULL,
    seq            BIGINT NOT NULL CHECK (seq >= 1),
    state          TEXT NOT NULL CHECK (state = 'running' OR state = 'passed' OR state = 'failed' OR
                                        state = 'not_counted'),
    ended_at       BIGINT,
    report         TEXT,
    answers        TEXT NOT NULL,
    helped_by      TEXT CHECK (helped_by <> ''),
    version        BIGINT NOT NULL CHECK (version >= 0),
    person         TEXT NOT NULL CHECK (person <> ''),
    from_at        BIGINT NOT NULL,
    log_from       BIGINT NOT NULL CHECK (log_from >= 0),
    release_id     UUID NOT NULL,
    -- Fixed at the beginning, with what is right: a pack or a draw that changes later changes nothing.
    cases          TEXT NOT NULL,
    decided_before BIGINT NOT NULL CHECK (decided_before >= 0),
    -- Who built it when the shift began, by handle: a role that is taken away meanwhile changes nothing.
    engineers      TEXT NOT NULL,
    PRIMARY KEY (workflow, seq),
    CHECK ((state = 'running') = (ended_at IS NULL)),
    CHECK ((state = 'running') = (report IS NULL))
);
-- One at a time for each person.
CREATE UNIQUE INDEX first_shifts_open ON first_shifts (workflow, person) WHERE state = 'running';
