-- The work of people around review tasks: the order of the queue, saved views, oversight, problem reports.

-- SQLite cannot widen a CHECK in place, so the table is made anew.
CREATE TABLE reviews_next (
    id               BLOB PRIMARY KEY CHECK (length(id) = 16),
    state            TEXT NOT NULL CHECK (state IN ('open', 'claimed', 'approved', 'approved_with_edits', 'rejected',
                                                    'handed_over', 'suspended', 'superseded')),
    subject          TEXT NOT NULL,
    reason           TEXT NOT NULL,
    reasons          TEXT NOT NULL,
    owner            TEXT NOT NULL CHECK (owner <> ''),
    chain            TEXT NOT NULL,
    level            INTEGER NOT NULL CHECK (level >= 0),
    claimed_by       TEXT,
    claim_until      INTEGER,
    due_at           INTEGER NOT NULL,
    decided_at       INTEGER,
    decided_by       TEXT,
    decision         TEXT CHECK (decision IN ('approve', 'approve_with_edits', 'reject', 'hand_over', 'supply',
                                              'regenerate', 'close_failed', 'happened', 'did_not_happen', 'correct',
                                              'incorrect')),
    decision_reason  TEXT,
    note             TEXT,
    output_ref       INTEGER,
    bound_to         TEXT NOT NULL,
    approved_by      TEXT NOT NULL,
    approvals_needed INTEGER NOT NULL CHECK (approvals_needed >= 0),
    revision         INTEGER NOT NULL CHECK (revision >= 0),
    run_id           BLOB NOT NULL REFERENCES runs (id),
    workflow         TEXT NOT NULL,
    kind             TEXT NOT NULL CHECK (kind IN ('output', 'input', 'action', 'manual', 'second_look')),
    tier             TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    -- When nobody was left above; told again every day since.
    exhausted_at     INTEGER,
    edited_by        TEXT,
    recheck_ref      INTEGER CHECK (recheck_ref >= 1),
    override_kind    TEXT CHECK (override_kind IN ('edit', 'reject', 'reroute', 'forced')),
    override_ref     INTEGER CHECK (override_ref >= 1),
    follows          BLOB CHECK (length(follows) = 16),
    request_keys     TEXT NOT NULL DEFAULT '[]',
    -- A claim names who and until when.
    CHECK (state <> 'claimed' OR (claimed_by IS NOT NULL AND claim_until IS NOT NULL)),
    -- A decision names the person; an open task has none.
    CHECK (state NOT IN ('open', 'claimed', 'suspended') OR (decided_by IS NULL AND decided_at IS NULL)),
    CHECK (state NOT IN ('approved', 'approved_with_edits', 'rejected', 'handed_over')
           OR (decided_by IS NOT NULL AND decided_at IS NOT NULL AND decision IS NOT NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO reviews_next (id, state, subject, reason, reasons, owner, chain, level, claimed_by, claim_until, due_at, decided_at,
    decided_by, decision, decision_reason, note, output_ref, bound_to, approved_by, approvals_needed, revision,
    run_id, workflow, kind, tier, created_at, edited_by, recheck_ref, override_kind, override_ref, follows, request_keys)
    SELECT id, state, subject, reason, reasons, owner, chain, level, claimed_by, claim_until, due_at, decided_at,
    decided_by, decision, decision_reason, note, output_ref, bound_to, approved_by, approvals_needed, revision,
    run_id, workflow, kind, tier, created_at, edited_by, recheck_ref, override_kind, override_ref, follows, request_keys FROM reviews;
DROP TABLE reviews;
ALTER TABLE reviews_next RENAME TO reviews;
CREATE INDEX reviews_open ON reviews (due_at, id, workflow, owner, state, claimed_by, tier, kind, reason)
    WHERE state IN ('open', 'claimed', 'suspended');
CREATE INDEX reviews_decided ON reviews (decided_at) WHERE decided_by IS NOT NULL;
CREATE INDEX reviews_facets ON reviews (workflow, owner, state, claimed_by, tier, kind, reason, due_at)
    WHERE state IN ('open', 'claimed', 'suspended');
CREATE INDEX reviews_overridden ON reviews (decided_at) WHERE override_kind IS NOT NULL;
CREATE INDEX reviews_run ON reviews (run_id);

-- Which work comes first; absent means normal. Set by the sponsor, shown with who set it.
CREATE TABLE workflow_priorities (
    workflow TEXT PRIMARY KEY,
    class    TEXT NOT NULL CHECK (class IN ('urgent', 'high', 'normal', 'low')),
    set_by   TEXT NOT NULL,
    reason   TEXT NOT NULL CHECK (reason <> ''),
    set_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A filter of the queue under a name of its person.
CREATE TABLE saved_views (
    person     TEXT NOT NULL,
    name       TEXT NOT NULL CHECK (name <> ''),
    query      TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (person, name)
) STRICT, WITHOUT ROWID;

-- Which revision of a task a person had open, and for how long it was in view.
CREATE TABLE review_reads (
    review_id  BLOB NOT NULL,
    person     TEXT NOT NULL,
    revision   INTEGER NOT NULL,
    visible_ms INTEGER NOT NULL CHECK (visible_ms >= 0),
    last_at    INTEGER NOT NULL,
    run_id     BLOB NOT NULL,
    opened_at  INTEGER NOT NULL,
    PRIMARY KEY (review_id, person, revision)
) STRICT, WITHOUT ROWID;
CREATE INDEX review_reads_run ON review_reads (run_id);

-- Who has looked at a run's own page.
CREATE TABLE run_visits (
    run_id   BLOB NOT NULL,
    person   TEXT NOT NULL,
    last_at  INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    PRIMARY KEY (run_id, person)
) STRICT, WITHOUT ROWID;

-- Approvals that were drawn for another person to look at, after they counted.
CREATE TABLE second_looks (
    run_id      BLOB PRIMARY KEY,
    review_id   BLOB,
    result      TEXT CHECK (result IN ('correct', 'incorrect')),
    reason      TEXT,
    looked_by   TEXT,
    looked_at   INTEGER,
    version     INTEGER NOT NULL CHECK (version >= 0),
    workflow    TEXT NOT NULL,
    tier        TEXT NOT NULL,
    basis       TEXT NOT NULL CHECK (basis IN ('automatic', 'human')),
    approved_by TEXT NOT NULL,
    share_ppm   INTEGER NOT NULL CHECK (share_ppm BETWEEN 1 AND 1000000),
    draw        INTEGER NOT NULL CHECK (draw BETWEEN 0 AND 999999),
    drawn_at    INTEGER NOT NULL,
    CHECK ((result IS NULL) = (looked_by IS NULL)),
    CHECK ((result IS NULL) = (looked_at IS NULL)),
    CHECK (result IS NULL OR review_id IS NOT NULL),
    CHECK (draw < share_ppm)
) STRICT, WITHOUT ROWID;
CREATE INDEX second_looks_waiting ON second_looks (drawn_at) WHERE review_id IS NULL;
CREATE INDEX second_looks_done ON second_looks (workflow, drawn_at);

-- Known-bad outputs in the queue. Approving one writes nothing.
CREATE TABLE seeds (
    run_id     BLOB PRIMARY KEY,
    result     TEXT CHECK (result IN ('caught', 'missed')),
    decided_by TEXT,
    decided_at INTEGER,
    version    INTEGER NOT NULL CHECK (version >= 0),
    workflow   TEXT NOT NULL,
    tier       TEXT NOT NULL,
    fault      TEXT NOT NULL CHECK (fault <> ''),
    placed_by  TEXT NOT NULL,
    placed_at  INTEGER NOT NULL,
    CHECK ((result IS NULL) = (decided_by IS NULL)),
    CHECK ((result IS NULL) = (decided_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX seeds_workflow ON seeds (workflow, placed_at);

-- Somebody says an output is wrong, slow or annoying; not yet an incident.
CREATE TABLE problem_reports (
    id          BLOB PRIMARY KEY,
    state       TEXT NOT NULL CHECK (state IN ('new', 'triaged', 'not_an_error', 'quality_issue', 'incident')),
    owner       TEXT NOT NULL CHECK (owner <> ''),
    due_at      INTEGER NOT NULL,
    answer      TEXT,
    answered_by TEXT,
    answered_at INTEGER,
    version     INTEGER NOT NULL CHECK (version >= 0),
    kind        TEXT NOT NULL CHECK (kind IN ('wrong', 'slow', 'annoying', 'other')),
    words       TEXT NOT NULL,
    reported_by TEXT NOT NULL CHECK (reported_by <> ''),
    workflow    TEXT,
    run_id      BLOB,
    tied_by     TEXT NOT NULL CHECK (tied_by IN ('run', 'record', 'words', 'nothing')),
    asked_for   TEXT,
    created_at  INTEGER NOT NULL,
    CHECK ((run_id IS NULL) = (tied_by = 'nothing')),
    CHECK ((state IN ('not_an_error', 'quality_issue', 'incident')) = (answered_at IS NOT NULL)),
    CHECK ((answered_by IS NULL) = (answered_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX problem_reports_open ON problem_reports (due_at, id) WHERE state IN ('new', 'triaged');
CREATE INDEX problem_reports_run ON problem_reports (run_id) WHERE run_id IS NOT NULL;
