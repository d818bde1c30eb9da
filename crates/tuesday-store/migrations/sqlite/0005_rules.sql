-- Changing rules while runs go on: versions say what they were made from, who agreed and for how
-- long they hold; readers are remembered; each run keeps where the table sent it, in few bytes.
CREATE TABLE rulesets_next (
    workflow    TEXT NOT NULL,
    version     INTEGER NOT NULL CHECK (version >= 1),
    state       TEXT NOT NULL CHECK (state IN ('proposed', 'scheduled', 'active', 'superseded', 'refused', 'expired')),
    decided_at  INTEGER,
    decided_by  TEXT,
    csv         TEXT NOT NULL,
    hash        BLOB NOT NULL CHECK (length(hash) = 32),
    reason      TEXT NOT NULL,
    created_at  INTEGER NOT NULL,
    created_by  TEXT NOT NULL,
    base        INTEGER,
    restores    INTEGER,
    bound_owner TEXT,
    starts_at   INTEGER,
    ends_at     INTEGER,
    PRIMARY KEY (workflow, version),
    CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
    -- A proposal names who must agree; what needed a second person is in force only after they did.
    CHECK (state <> 'proposed' OR (bound_owner IS NOT NULL AND decided_by IS NULL)),
    CHECK (bound_owner IS NULL OR state NOT IN ('scheduled', 'active') OR decided_by IS NOT NULL),
    CHECK (state <> 'scheduled' OR starts_at IS NOT NULL),
    CHECK (state <> 'expired' OR ends_at IS NOT NULL)
) STRICT;
INSERT INTO rulesets_next (workflow, version, state, csv, hash, reason, created_at, created_by)
    SELECT workflow, version, state, csv, hash, reason, created_at, created_by FROM rulesets;
DROP TABLE rulesets;
ALTER TABLE rulesets_next RENAME TO rulesets;

CREATE TABLE rules_acks (
    workflow TEXT NOT NULL,
    person   TEXT NOT NULL,
    version  INTEGER NOT NULL CHECK (version >= 1),
    at       INTEGER NOT NULL,
    PRIMARY KEY (workflow, person)
) STRICT, WITHOUT ROWID;

-- Written with the routing decision of its run, in one transaction: a reference would be checked
-- again for every run and could find nothing.
CREATE TABLE routed (
    workflow      TEXT NOT NULL,
    run_id        BLOB NOT NULL CHECK (length(run_id) = 16),
    rules_version INTEGER NOT NULL CHECK (rules_version >= 0),
    rules_row     TEXT,
    route         TEXT NOT NULL CHECK (route IN ('auto', 'review', 'manual', 'excluded', 'refuse')),
    facts         BLOB NOT NULL,
    at            INTEGER NOT NULL,
    decision      TEXT CHECK (decision IN ('approve', 'approve_with_edits', 'reject', 'hand_over', 'supply',
                                           'regenerate', 'close_failed', 'happened', 'did_not_happen')),
    PRIMARY KEY (workflow, run_id)
) STRICT, WITHOUT ROWID;
