-- The work of people around review tasks: the order of the queue, saved views, oversight, problem reports.

ALTER TABLE reviews ADD COLUMN exhausted_at BIGINT;
ALTER TABLE reviews DROP CONSTRAINT reviews_kind_check;
ALTER TABLE reviews ADD CONSTRAINT reviews_kind_check
    CHECK (kind IN ('output', 'input', 'action', 'manual', 'second_look'));
ALTER TABLE reviews DROP CONSTRAINT reviews_decision_check;
ALTER TABLE reviews ADD CONSTRAINT reviews_decision_check
    CHECK (decision IN ('approve', 'approve_with_edits', 'reject', 'hand_over', 'supply', 'regenerate',
                        'close_failed', 'happened', 'did_not_happen', 'correct', 'incorrect'));
DROP INDEX reviews_open;
CREATE INDEX reviews_open ON reviews (due_at, id, workflow, owner, state, claimed_by, tier, kind, reason)
    WHERE state IN ('open', 'claimed', 'suspended');
CREATE INDEX reviews_decided ON reviews (decided_at) WHERE decided_by IS NOT NULL;
CREATE INDEX reviews_facets ON reviews (workflow, owner, state, claimed_by, tier, kind, reason, due_at)
    WHERE state IN ('open', 'claimed', 'suspended');

-- Which work comes first; absent means normal. Set by the sponsor, shown with who set it.
CREATE TABLE workflow_priorities (
    workflow TEXT PRIMARY KEY,
    class    TEXT NOT NULL CHECK (class IN ('urgent', 'high', 'normal', 'low')),
    set_by   TEXT NOT NULL,
    reason   TEXT NOT NULL CHECK (reason <> ''),
    set_at   BIGINT NOT NULL
);

-- A filter of the queue under a name of its person.
CREATE TABLE saved_views (
    person     TEXT NOT NULL,
    name       TEXT NOT NULL CHECK (name <> ''),
    query      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (person, name)
);

-- Which revision of a task a person had open, and for how long it was in view.
CREATE TABLE review_reads (
    review_id  UUID NOT NULL,
    person     TEXT NOT NULL,
    revision   BIGINT NOT NULL,
    visible_ms BIGINT NOT NULL CHECK (visible_ms >= 0),
    last_at    BIGINT NOT NULL,
    run_id     UUID NOT NULL,
    opened_at  BIGINT NOT NULL,
    PRIMARY KEY (review_id, person, revision)
);
CREATE INDEX review_reads_run ON review_reads (run_id);

-- Who has looked at a run's own page.
CREATE TABLE run_visits (
    run_id   UUID NOT NULL,
    person   TEXT NOT NULL,
    last_at  BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    PRIMARY KEY (run_id, person)
);

-- Approvals that were drawn for another person to look at, after they counted.
CREATE TABLE second_looks (
    run_id      UUID PRIMARY KEY,
    review_id   UUID,
    result      TEXT CHECK (result IN ('correct', 'incorrect')),
    reason      TEXT,
    looked_by   TEXT,
    looked_at   BIGINT,
    version     BIGINT NOT NULL CHECK (version >= 0),
    workflow    TEXT NOT NULL,
    tier        TEXT NOT NULL,
    basis       TEXT NOT NULL CHECK (basis IN ('automatic', 'human')),
    approved_by TEXT NOT NULL,
    share_ppm   BIGINT NOT NULL CHECK (share_ppm BETWEEN 1 AND 1000000),
    draw        BIGINT NOT NULL CHECK (draw BETWEEN 0 AND 999999),
    drawn_at    BIGINT NOT NULL,
    CHECK ((result IS NULL) = (looked_by IS NULL)),
    CHECK ((result IS NULL) = (looked_at IS NULL)),
    CHECK (result IS NULL OR review_id IS NOT NULL),
    CHECK (draw < share_ppm)
);
CREATE INDEX second_looks_waiting ON second_looks (drawn_at) WHERE review_id IS NULL;
CREATE INDEX second_looks_done ON second_looks (workflow, drawn_at);

-- Known-bad outputs in the queue. Approving one writes nothing.
CREATE TABLE seeds (
    run_id     UUID PRIMARY KEY,
    result     TEXT CHECK (result IN ('caught', 'missed')),
    decided_by TEXT,
    decided_at BIGINT,
    version    BIGINT NOT NULL CHECK (version >= 0),
    workflow   TEXT NOT NULL,
    tier       TEXT NOT NULL,
    fault      TEXT NOT NULL CHECK (fault <> ''),
    placed_by  TEXT NOT NULL,
    placed_at  BIGINT NOT NULL,
    CHECK ((result IS NULL) = (decided_by IS NULL)),
    CHECK ((result IS NULL) = (decided_at IS NULL))
);
CREATE INDEX seeds_workflow ON seeds (workflow, placed_at);

-- Somebody says an output is wrong, slow or annoying; not yet an incident.
CREATE TABLE problem_reports (
    id          UUID PRIMARY KEY,
    state       TEXT NOT NULL CHECK (state IN ('new', 'triaged', 'not_an_error', 'quality_issue', 'incident')),
    owner       TEXT NOT NULL CHECK (owner <> ''),
    due_at      BIGINT NOT NULL,
    answer      TEXT,
    answered_by TEXT,
    answered_at BIGINT,
    version     BIGINT NOT NULL CHECK (version >= 0),
    kind        TEXT NOT NULL CHECK (kind IN ('wrong', 'slow', 'annoying', 'other')),
    words       TEXT NOT NULL,
    reported_by TEXT NOT NULL CHECK (reported_by <> ''),
    workflow    TEXT,
    run_id      UUID,
    tied_by     TEXT NOT NULL CHECK (tied_by IN ('run', 'record', 'words', 'nothing')),
    asked_for   TEXT,
    created_at  BIGINT NOT NULL,
    CHECK ((run_id IS NULL) = (tied_by = 'nothing')),
    CHECK ((state IN ('not_an_error', 'quality_issue', 'incident')) = (answered_at IS NOT NULL)),
    CHECK ((answered_by IS NULL) = (answered_at IS NULL))
);
CREATE INDEX problem_reports_open ON problem_reports (due_at, id) WHERE state IN ('new', 'triaged');
CREATE INDEX problem_reports_run ON problem_reports (run_id) WHERE run_id IS NOT NULL;
