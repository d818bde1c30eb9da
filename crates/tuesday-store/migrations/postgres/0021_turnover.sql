-- Tests of workflows without the person who built them. While one runs, that person's rights on the
-- workflow are suspended. Twin: ../sqlite/ with the same number and name.
CREATE TABLE turnovers (
    workflow   TEXT NOT NULL,
    seq        BIGINT NOT NULL CHECK (seq >= 1),
    state      TEXT NOT NULL CHECK (state = 'running' OR state = 'ended' OR state = 'passed' OR state = 'failed' OR
                                    state = 'called_off'),
    ended_at   BIGINT,
    signed_by  TEXT,
    report     TEXT,
    version    BIGINT NOT NULL CHECK (version >= 0),
    without    TEXT NOT NULL CHECK (without <> ''),
    from_at    BIGINT NOT NULL,
    until_at   BIGINT NOT NULL CHECK (until_at > from_at),
    log_from   BIGINT NOT NULL CHECK (log_from >= 0),
    started_by TEXT NOT NULL CHECK (started_by <> ''),
    -- Who built it when the test began, by handle: a role that is taken away meanwhile changes nothing.
    engineers  TEXT NOT NULL,
    PRIMARY KEY (workflow, seq),
    -- Nobody signs the test of themselves.
    CHECK (signed_by IS NULL OR signed_by <> without),
    CHECK ((state = 'running') = (ended_at IS NULL)),
    CHECK ((state = 'running' OR state = 'ended') = (signed_by IS NULL)),
    CHECK ((signed_by IS NULL) = (report IS NULL))
);
-- One at a time.
CREATE UNIQUE INDEX turnovers_open ON turnovers (workflow) WHERE state = 'running' OR state = 'ended';
CREATE INDEX turnovers_running ON turnovers (without, workflow) WHERE state = 'running';
