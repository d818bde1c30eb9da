-- Whether people keep up, and whether the mix stays what it was: how a workflow's load is answered at present,
-- declared capacity with its versions, frozen mixes, and findings. Twin: ../postgres/ with the same name.

ALTER TABLE workflows ADD COLUMN load TEXT NOT NULL DEFAULT '{"v":1}';

CREATE TABLE capacity_plans (
    workflow TEXT NOT NULL,
    version  INTEGER NOT NULL CHECK (version >= 1),
    plan     TEXT NOT NULL CHECK (plan <> ''),
    reason   TEXT NOT NULL CHECK (reason <> ''),
    set_by   TEXT NOT NULL CHECK (set_by <> ''),
    set_at   INTEGER NOT NULL,
    PRIMARY KEY (workflow, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE drift_baselines (
    workflow TEXT NOT NULL,
    version  INTEGER NOT NULL CHECK (version >= 1),
    day_from TEXT NOT NULL CHECK (length(day_from) = 10),
    day_to   TEXT NOT NULL CHECK (length(day_to) = 10),
    mix      TEXT NOT NULL CHECK (mix <> ''),
    reason   TEXT NOT NULL CHECK (reason <> ''),
    set_by   TEXT NOT NULL CHECK (set_by <> ''),
    set_at   INTEGER NOT NULL,
    PRIMARY KEY (workflow, version),
    CHECK (day_from <= day_to)
) STRICT, WITHOUT ROWID;

CREATE TABLE drift_findings (
    workflow  TEXT NOT NULL,
    seq       INTEGER NOT NULL CHECK (seq >= 1),
    state     TEXT NOT NULL CHECK (state = 'open' OR state = 'closed'),
    note      TEXT,
    closed_by TEXT,
    closed_at INTEGER,
    revision  INTEGER NOT NULL CHECK (revision >= 0),
    baseline  INTEGER NOT NULL CHECK (baseline >= 1),
    dimension TEXT NOT NULL CHECK (dimension = 'outcome' OR dimension = 'landing'),
    day       TEXT NOT NULL CHECK (length(day) = 10),
    shift     TEXT NOT NULL,
    since     TEXT NOT NULL CHECK (length(since) = 10),
    words     TEXT NOT NULL CHECK (words <> ''),
    figures   TEXT NOT NULL,
    changes   TEXT NOT NULL,
    owner     TEXT NOT NULL CHECK (owner <> ''),
    found_at  INTEGER NOT NULL,
    PRIMARY KEY (workflow, seq),
    -- Who closes one says what it was.
    CHECK ((state = 'closed') = (closed_at IS NOT NULL)),
    CHECK ((closed_at IS NULL) = (closed_by IS NULL)),
    CHECK (closed_at IS NULL OR coalesce(note, '') <> '')
) STRICT, WITHOUT ROWID;
-- What was found is found once, on whichever node.
CREATE UNIQUE INDEX drift_findings_open ON drift_findings (workflow, dimension) WHERE state = 'open';
