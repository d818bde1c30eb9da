-- Changing rules while runs go on: versions say what they were made from, who agreed and for how
-- long they hold; readers are remembered; each run keeps where the table sent it, in few bytes.
CREATE TABLE rulesets_next (
    workflow    TEXT NOT NULL,
    version     BIGINT NOT NULL CHECK (version >= 1),
    state       TEXT NOT NULL CHECK (state IN ('proposed', 'scheduled', 'active', 'superseded', 'refused', 'expired')),
    decided_at  BIGINT,
    decided_by  TEXT,
    csv         TEXT NOT NULL,
    hash        BYTEA NOT NULL CHECK (length(hash) = 32),
    reason      TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    created_by  TEXT NOT NULL,
    base        BIGINT,
    restores    BIGINT,
    bound_owner TEXT,
    starts_at   BIGINT,
    ends_at     BIGINT,
    PRIMARY KEY (workflow, version),
    CHECK ((decided_at IS NULL) = (decided_by IS NULL)),
    -- A proposal names who must agree; what needed a second person is in force only after they did.
    CHECK (state <> 'proposed' OR (bound_owner IS NOT NULL AND decided_by IS NULL)),
    CHECK (bound_owner IS NULL OR state NOT IN ('scheduled', 'active') OR decided_by IS NOT NULL),
    CHECK (state <> 'scheduled' OR starts_at IS NOT NULL),
    CHECK (state <> 'expired' OR ends_at IS NOT NULL)
);
INSERT INTO rulesets_next (workflow, version, state, csv, hash, reason, created_at, created_by)
    SELECT workflow, version, state, csv, hash, reason, created_at, created_by FROM rulesets;
DROP TABLE rulesets;
ALTER TABLE rulesets_next RENAME TO rulesets;

CREATE TABLE rules_acks (
    workflow TEXT NOT NULL,
    person   TEXT NOT NULL,
    version  BIGINT NOT NULL CHECK (version >= 1),
    at       BIGINT NOT NULL,
    PRIMARY KEY (workflow, person)
);

-- Written with the routing decision of its run, in one transaction: a reference would be checked
-- again for every run and could find nothing.
CREATE TABLE routed (
    workflow      TEXT NOT NULL,
    run_id        UUID NOT NULL,
    rules_version BIGINT NOT NULL CHECK (rules_version >= 0),
    rules_row     TEXT,
    route         TEXT NOT NULL CHECK (route IN ('auto', 'review', 'manual', 'excluded', 'refuse')),
    facts         BYTEA NOT NULL,
    at            BIGINT NOT NULL,
    decision      TEXT CHECK (decision IN ('approve', 'approve_with_edits', 'reject', 'hand_over', 'supply',
                                           'regenerate', 'close_failed', 'happened', 'did_not_happen')),
    PRIMARY KEY (workflow, run_id)
);
