-- The whole spine. Ids are 16 bytes, times are microseconds since 1970 in UTC, truth is 0 or 1,
-- closed sets are their words. CHECK constraints state what belongs together, so that a fault in
-- the program is refused here and not found later.

CREATE TABLE instance (
    one          BIGINT PRIMARY KEY CHECK (one = 1),
    id           TEXT NOT NULL,
    origin       TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('real', 'test')),
    created_at   BIGINT NOT NULL,
    clock_offset BIGINT NOT NULL DEFAULT 0,
    CHECK (kind = 'test' OR clock_offset = 0)
);

CREATE TABLE people (
    handle TEXT PRIMARY KEY,
    name   TEXT NOT NULL,
    email  TEXT NOT NULL,
    active BIGINT NOT NULL CHECK (active IN (0, 1))
);

CREATE TABLE tokens (
    id         UUID PRIMARY KEY,
    hash       BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
    scope      TEXT NOT NULL CHECK (scope IN ('trigger', 'review', 'read', 'admin')),
    workflow   TEXT,
    person     TEXT REFERENCES people (handle),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    CHECK (scope NOT IN ('review', 'admin') OR person IS NOT NULL)
);

CREATE TABLE workflows (
    name          TEXT PRIMARY KEY,
    title         TEXT NOT NULL,
    owner         TEXT NOT NULL CHECK (owner <> ''),
    label         TEXT NOT NULL CHECK (label IN ('research', 'pilot', 'production', 'retired')),
    stage         TEXT NOT NULL CHECK (stage IN ('off', 'shadow', 'draft_only', 'approval_first', 'auto')),
    switch        TEXT NOT NULL CHECK (switch IN ('running', 'restricted', 'paused', 'killed')),
    live_release  UUID NOT NULL,
    rules_version BIGINT NOT NULL CHECK (rules_version >= 0),
    version       BIGINT NOT NULL CHECK (version >= 0),
    installed_at  BIGINT NOT NULL
);

CREATE TABLE releases (
    id         UUID PRIMARY KEY,
    workflow   TEXT NOT NULL,
    number     BIGINT NOT NULL CHECK (number >= 1),
    state      TEXT NOT NULL CHECK (state IN ('draft', 'evaluating', 'blocked', 'passed', 'approved', 'live',
                                              'superseded', 'rolled_back', 'withdrawn')),
    hash       BYTEA NOT NULL CHECK (length(hash) = 32),
    bundle     BYTEA NOT NULL,
    artifact   BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (workflow, number)
);

CREATE TABLE rulesets (
    workflow   TEXT NOT NULL,
    version    BIGINT NOT NULL CHECK (version >= 1),
    state      TEXT NOT NULL CHECK (state IN ('proposed', 'active', 'superseded', 'refused', 'expired')),
    csv        TEXT NOT NULL,
    hash       BYTEA NOT NULL CHECK (length(hash) = 32),
    reason     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (workflow, version)
);

CREATE TABLE cursors (
    workflow     TEXT NOT NULL,
    trigger_name TEXT NOT NULL,
    value        TEXT NOT NULL,
    PRIMARY KEY (workflow, trigger_name)
);

CREATE TABLE runs (
    id            UUID PRIMARY KEY,
    release_id    UUID NOT NULL,
    subject       TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status IN ('received', 'waiting_input', 'queued', 'running', 'retry_wait',
                                                  'in_review', 'dispatching', 'held', 'completed', 'rejected',
                                                  'handed_off', 'cancelled', 'failed')),
    step          TEXT NOT NULL CHECK (step IN ('intake', 'snapshot', 'generate', 'validate', 'route', 'review',
                                                'dispatch', 'confirm')),
    review        TEXT NOT NULL CHECK (review IN ('none', 'pending', 'approved', 'approved_with_edits', 'rejected',
                                                  'escalated')),
    outcome       TEXT CHECK (outcome IN ('written_back', 'draft_placed', 'shadow_only', 'rejected', 'handed_off',
                                          'cancelled', 'failed')),
    held_from     TEXT CHECK (held_from IN ('received', 'queued', 'retry_wait', 'dispatching')),
    reason        TEXT,
    owner         TEXT,
    attempts      BIGINT NOT NULL CHECK (attempts >= 0),
    repairs       BIGINT NOT NULL CHECK (repairs >= 0),
    payloads      BIGINT NOT NULL CHECK (payloads >= 0),
    snapshot_ref  BIGINT,
    output_ref    BIGINT,
    verdict_ref   BIGINT,
    rules_version BIGINT,
    rules_row     TEXT,
    updated_at    BIGINT NOT NULL,
    deadline_at   BIGINT NOT NULL,
    finished_at   BIGINT,
    cost_micros   BIGINT NOT NULL,
    cost_unknown  BIGINT NOT NULL CHECK (cost_unknown IN (0, 1)),
    version       BIGINT NOT NULL CHECK (version >= 0),
    workflow      TEXT NOT NULL,
    event_source  TEXT NOT NULL,
    event_id      TEXT NOT NULL,
    body_hash     BYTEA NOT NULL CHECK (length(body_hash) = 32),
    requester     TEXT NOT NULL,
    batch         TEXT NOT NULL CHECK (length(batch) = 10),
    stage         TEXT NOT NULL CHECK (stage IN ('off', 'shadow', 'draft_only', 'approval_first', 'auto')),
    body_ref      BIGINT NOT NULL,
    received_at   BIGINT NOT NULL,
    rerun_of      UUID,
    -- A run that ended says how, and only a run that ended.
    CHECK ((outcome IS NOT NULL) = (status IN ('completed', 'rejected', 'handed_off', 'cancelled', 'failed'))),
    CHECK ((finished_at IS NOT NULL) = (outcome IS NOT NULL)),
    -- A held run says where it goes on.
    CHECK ((held_from IS NOT NULL) = (status = 'held')),
    -- Where people have a run, one of them is named.
    CHECK (status NOT IN ('waiting_input', 'in_review', 'held') OR (owner IS NOT NULL AND owner <> ''))
);
CREATE UNIQUE INDEX runs_event ON runs (event_id, event_source, workflow);
CREATE INDEX runs_day ON runs (workflow, batch, id);
CREATE INDEX runs_open ON runs (status, deadline_at) WHERE outcome IS NULL;

CREATE TABLE payloads (
    run_id     UUID NOT NULL,
    n          BIGINT NOT NULL CHECK (n >= 1),
    kind       TEXT NOT NULL CHECK (kind IN ('event', 'source', 'snapshot', 'answer', 'output', 'edit', 'verdict',
                                             'request', 'receipt', 'note')),
    class      TEXT NOT NULL CHECK (class IN ('public', 'internal', 'confidential', 'restricted')),
    salt       BYTEA NOT NULL CHECK (length(salt) = 16),
    commitment BYTEA NOT NULL CHECK (length(commitment) = 32),
    bytes      BYTEA NOT NULL,
    PRIMARY KEY (run_id, n)
);
-- Payloads are written once and read rarely: neither compressed on the way nor moved aside early.
ALTER TABLE payloads ALTER COLUMN bytes SET STORAGE EXTERNAL;
ALTER TABLE payloads SET (toast_tuple_target = 8160);

CREATE TABLE attempts (
    run_id         UUID NOT NULL,
    seq            BIGINT NOT NULL,
    step           TEXT NOT NULL,
    number         BIGINT NOT NULL CHECK (number >= 1),
    started_at     BIGINT NOT NULL,
    duration_us    BIGINT NOT NULL CHECK (duration_us >= 0),
    result         TEXT NOT NULL CHECK (result IN ('done', 'transient', 'permanent', 'timed_out', 'invalid', 'refused',
                                                   'late', 'unclear')),
    code           TEXT,
    detail         TEXT,
    model          TEXT,
    model_reported TEXT,
    request_hash   BYTEA CHECK (length(request_hash) = 32),
    answer_ref     BIGINT,
    input_tokens   BIGINT,
    output_tokens  BIGINT,
    cost_micros    BIGINT,
    bytes_received BIGINT NOT NULL,
    retry_at       BIGINT,
    PRIMARY KEY (run_id, seq, step),
    CHECK ((input_tokens IS NULL) = (output_tokens IS NULL))
);

-- The queue. A row is there exactly while a machine has something to do; done means deleted.
CREATE TABLE jobs (
    run_id      UUID PRIMARY KEY,
    workflow    TEXT NOT NULL,
    due_at      BIGINT NOT NULL,
    fence       BIGINT NOT NULL CHECK (fence >= 0),
    lease_node  TEXT,
    lease_until BIGINT,
    CHECK ((lease_node IS NULL) = (lease_until IS NULL))
);
-- Dead rows of a queue slow down every claim, so they are cleared early.
ALTER TABLE jobs SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.0, autovacuum_vacuum_threshold = 2000,
                      autovacuum_vacuum_cost_delay = 0);
ALTER TABLE runs SET (fillfactor = 80);
CREATE INDEX jobs_due ON jobs (workflow, due_at);

CREATE TABLE reviews (
    id               UUID PRIMARY KEY,
    state            TEXT NOT NULL CHECK (state IN ('open', 'claimed', 'approved', 'approved_with_edits', 'rejected',
                                                    'handed_over', 'suspended', 'superseded')),
    subject          TEXT NOT NULL,
    reason           TEXT NOT NULL,
    reasons          TEXT NOT NULL,
    owner            TEXT NOT NULL CHECK (owner <> ''),
    chain            TEXT NOT NULL,
    level            BIGINT NOT NULL CHECK (level >= 0),
    claimed_by       TEXT,
    claim_until      BIGINT,
    due_at           BIGINT NOT NULL,
    decided_at       BIGINT,
    decided_by       TEXT,
    decision         TEXT CHECK (decision IN ('approve', 'approve_with_edits', 'reject', 'hand_over', 'supply',
                                              'regenerate', 'close_failed', 'happened', 'did_not_happen')),
    decision_reason  TEXT,
    note             TEXT,
    output_ref       BIGINT,
    bound_to         TEXT NOT NULL,
    approved_by      TEXT NOT NULL,
    approvals_needed BIGINT NOT NULL CHECK (approvals_needed >= 0),
    revision         BIGINT NOT NULL CHECK (revision >= 0),
    run_id           UUID NOT NULL,
    workflow         TEXT NOT NULL,
    kind             TEXT NOT NULL CHECK (kind IN ('output', 'input', 'action', 'manual')),
    tier             TEXT NOT NULL,
    created_at       BIGINT NOT NULL,
    -- A claim names who and until when.
    CHECK (state <> 'claimed' OR (claimed_by IS NOT NULL AND claim_until IS NOT NULL)),
    -- A decision names the person; an open task has none.
    CHECK (state NOT IN ('open', 'claimed', 'suspended') OR (decided_by IS NULL AND decided_at IS NULL)),
    CHECK (state NOT IN ('approved', 'approved_with_edits', 'rejected', 'handed_over')
           OR (decided_by IS NOT NULL AND decided_at IS NOT NULL AND decision IS NOT NULL))
);
CREATE INDEX reviews_open ON reviews (due_at, id) WHERE state IN ('open', 'claimed', 'suspended');
CREATE INDEX reviews_run ON reviews (run_id);

CREATE TABLE actions (
    run_id        UUID NOT NULL,
    id            UUID NOT NULL,
    state         TEXT NOT NULL CHECK (state IN ('proposed', 'authorised', 'sending', 'delivered', 'confirmed',
                                                 'retry_wait', 'uncertain', 'blocked', 'failed', 'voided',
                                                 'compensated')),
    request_ref   BIGINT NOT NULL,
    authorised_by TEXT,
    attempts      BIGINT NOT NULL CHECK (attempts >= 0),
    first_sent_at BIGINT,
    receipt_ref   BIGINT,
    external_id   TEXT,
    detail        TEXT,
    updated_at    BIGINT NOT NULL,
    version       BIGINT NOT NULL CHECK (version >= 0),
    ordinal       BIGINT NOT NULL CHECK (ordinal >= 0),
    revision      BIGINT NOT NULL CHECK (revision >= 0),
    name          TEXT NOT NULL,
    class         TEXT NOT NULL CHECK (class IN ('read', 'draft', 'write', 'send', 'pay', 'irreversible')),
    ability       TEXT NOT NULL CHECK (ability IN ('A', 'B', 'C', 'D', 'E', 'F')),
    target        TEXT NOT NULL,
    key           TEXT NOT NULL,
    PRIMARY KEY (run_id, id),
    -- Nothing leaves without somebody's word and a time.
    CHECK (state IN ('proposed', 'voided', 'blocked') OR authorised_by IS NOT NULL),
    CHECK (state NOT IN ('sending', 'delivered', 'uncertain') OR first_sent_at IS NOT NULL)
);
CREATE UNIQUE INDEX actions_key ON actions (key);

CREATE TABLE intake (
    id          UUID PRIMARY KEY,
    verdict     TEXT NOT NULL CHECK (verdict IN ('refused', 'resubmitted', 'dismissed')),
    code        TEXT NOT NULL,
    detail      TEXT NOT NULL,
    owner       TEXT NOT NULL,
    run_id      UUID,
    version     BIGINT NOT NULL CHECK (version >= 0),
    workflow    TEXT NOT NULL,
    source      TEXT NOT NULL,
    event_id    TEXT,
    body        BYTEA NOT NULL,
    body_len    BIGINT NOT NULL CHECK (body_len >= 0),
    received_at BIGINT NOT NULL,
    CHECK ((run_id IS NOT NULL) = (verdict = 'resubmitted'))
);

CREATE TABLE notices (
    id         UUID PRIMARY KEY,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
    attempts   BIGINT NOT NULL CHECK (attempts >= 0),
    due_at     BIGINT NOT NULL,
    detail     TEXT,
    version    BIGINT NOT NULL CHECK (version >= 0),
    person     TEXT NOT NULL,
    workflow   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    title      TEXT NOT NULL,
    path       TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX notices_waiting ON notices (due_at) WHERE state = 'waiting';

-- The audit log. Nodes append without waiting for each other, so an entry has no index at first; the
-- sequencer gives out contiguous indices, the places in the Merkle tree, under the row of audit_head.
CREATE TABLE audit (
    id       UUID PRIMARY KEY,
    idx      BIGINT CHECK (idx >= 0),
    run_id   UUID,
    workflow TEXT,
    seq      BIGINT,
    at       BIGINT NOT NULL,
    kind     TEXT NOT NULL,
    leaf     BYTEA NOT NULL CHECK (length(leaf) BETWEEN 2 AND 65535),
    CHECK ((run_id IS NULL) = (seq IS NULL))
);
CREATE UNIQUE INDEX audit_idx ON audit (idx) WHERE idx IS NOT NULL;
CREATE INDEX audit_waiting ON audit (at) WHERE idx IS NULL;
CREATE INDEX audit_run ON audit (run_id) WHERE run_id IS NOT NULL;

-- A second lock on the door; correctness does not rest on it. The one change allowed is the index,
-- once.
CREATE FUNCTION audit_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of the audit log never change and never go away';
END $$;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit
    FOR EACH ROW WHEN (OLD.idx IS NOT NULL OR NEW.idx IS NULL OR NEW.leaf IS DISTINCT FROM OLD.leaf
        OR NEW.id <> OLD.id OR NEW.at <> OLD.at OR NEW.kind <> OLD.kind
        OR NEW.run_id IS DISTINCT FROM OLD.run_id OR NEW.seq IS DISTINCT FROM OLD.seq
        OR NEW.workflow IS DISTINCT FROM OLD.workflow)
    EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_keep();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_keep();

CREATE TABLE audit_tiles (
    level  BIGINT NOT NULL CHECK (level BETWEEN 0 AND 63),
    idx    BIGINT NOT NULL CHECK (idx >= 0),
    width  BIGINT NOT NULL CHECK (width BETWEEN 1 AND 256),
    hashes BYTEA NOT NULL,
    PRIMARY KEY (level, idx),
    CHECK (length(hashes) = width * 32)
);

CREATE TABLE audit_checkpoints (
    size BIGINT PRIMARY KEY CHECK (size >= 0),
    root BYTEA NOT NULL CHECK (length(root) = 32),
    note TEXT NOT NULL,
    at   BIGINT NOT NULL
);
CREATE TRIGGER audit_checkpoints_keep BEFORE UPDATE OR DELETE ON audit_checkpoints
    FOR EACH ROW EXECUTE FUNCTION audit_keep();

-- One row: the right edge of the tree, and the next index to be given out.
CREATE TABLE audit_head (
    one      BIGINT PRIMARY KEY CHECK (one = 1),
    size     BIGINT NOT NULL,
    frontier BYTEA NOT NULL,
    next_idx BIGINT NOT NULL
);
INSERT INTO audit_head (one, size, frontier, next_idx) VALUES (1, 0, '\x', 0);
