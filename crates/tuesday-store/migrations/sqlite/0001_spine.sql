-- The whole spine. Ids are 16 bytes, times are microseconds since 1970 in UTC, truth is 0 or 1,
-- closed sets are their words. CHECK constraints state what belongs together, so that a fault in
-- the program is refused here and not found later. Their words are compared one by one: for a list of
-- three or more behind IN, SQLite builds a table of its own at every insert and update.

CREATE TABLE instance (
    one          INTEGER PRIMARY KEY CHECK (one = 1),
    id           TEXT NOT NULL,
    origin       TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('real', 'test')),
    created_at   INTEGER NOT NULL,
    clock_offset INTEGER NOT NULL DEFAULT 0,
    CHECK (kind = 'test' OR clock_offset = 0)
) STRICT;

CREATE TABLE people (
    handle TEXT PRIMARY KEY,
    name   TEXT NOT NULL,
    email  TEXT NOT NULL,
    active INTEGER NOT NULL CHECK (active IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    hash       BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    scope      TEXT NOT NULL CHECK (scope = 'trigger' OR scope = 'review' OR scope = 'read' OR scope = 'admin'),
    workflow   TEXT,
    person     TEXT REFERENCES people (handle),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    CHECK (scope NOT IN ('review', 'admin') OR person IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflows (
    name          TEXT PRIMARY KEY,
    title         TEXT NOT NULL,
    owner         TEXT NOT NULL CHECK (owner <> ''),
    label         TEXT NOT NULL CHECK (label = 'research' OR label = 'pilot' OR label = 'production' OR
                                       label = 'retired'),
    stage         TEXT NOT NULL CHECK (stage = 'off' OR stage = 'shadow' OR stage = 'draft_only' OR
                                       stage = 'approval_first' OR stage = 'auto'),
    switch        TEXT NOT NULL CHECK (switch = 'running' OR switch = 'restricted' OR switch = 'paused' OR
                                       switch = 'killed'),
    live_release  BLOB NOT NULL CHECK (length(live_release) = 16),
    rules_version INTEGER NOT NULL CHECK (rules_version >= 0),
    version       INTEGER NOT NULL CHECK (version >= 0),
    installed_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE releases (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    workflow   TEXT NOT NULL,
    number     INTEGER NOT NULL CHECK (number >= 1),
    state      TEXT NOT NULL CHECK (state = 'draft' OR state = 'evaluating' OR state = 'blocked' OR
                                    state = 'passed' OR state = 'approved' OR state = 'live' OR
                                    state = 'superseded' OR state = 'rolled_back' OR state = 'withdrawn'),
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    bundle     BLOB NOT NULL,
    artifact   BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    UNIQUE (workflow, number)
) STRICT;

CREATE TABLE rulesets (
    workflow   TEXT NOT NULL,
    version    INTEGER NOT NULL CHECK (version >= 1),
    state      TEXT NOT NULL CHECK (state = 'proposed' OR state = 'active' OR state = 'superseded' OR
                                    state = 'refused' OR state = 'expired'),
    csv        TEXT NOT NULL,
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    reason     TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (workflow, version)
) STRICT;

CREATE TABLE cursors (
    workflow     TEXT NOT NULL,
    trigger_name TEXT NOT NULL,
    value        TEXT NOT NULL,
    PRIMARY KEY (workflow, trigger_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id            BLOB PRIMARY KEY CHECK (length(id) = 16),
    release_id    BLOB NOT NULL CHECK (length(release_id) = 16),
    subject       TEXT NOT NULL,
    status        TEXT NOT NULL CHECK (status = 'received' OR status = 'waiting_input' OR status = 'queued' OR
                                       status = 'running' OR status = 'retry_wait' OR status = 'in_review' OR
                                       status = 'dispatching' OR status = 'held' OR status = 'completed' OR
                                       status = 'rejected' OR status = 'handed_off' OR status = 'cancelled' OR
                                       status = 'failed'),
    step          TEXT NOT NULL CHECK (step = 'intake' OR step = 'snapshot' OR step = 'generate' OR
                                       step = 'validate' OR step = 'route' OR step = 'review' OR step = 'dispatch' OR
                                       step = 'confirm'),
    review        TEXT NOT NULL CHECK (review = 'none' OR review = 'pending' OR review = 'approved' OR
                                       review = 'approved_with_edits' OR review = 'rejected' OR review = 'escalated'),
    outcome       TEXT CHECK (outcome = 'written_back' OR outcome = 'draft_placed' OR outcome = 'shadow_only' OR
                              outcome = 'rejected' OR outcome = 'handed_off' OR outcome = 'cancelled' OR
                              outcome = 'failed'),
    held_from     TEXT CHECK (held_from = 'received' OR held_from = 'queued' OR held_from = 'retry_wait' OR
                              held_from = 'dispatching'),
    reason        TEXT,
    owner         TEXT,
    attempts      INTEGER NOT NULL CHECK (attempts >= 0),
    repairs       INTEGER NOT NULL CHECK (repairs >= 0),
    payloads      INTEGER NOT NULL CHECK (payloads >= 0),
    snapshot_ref  INTEGER,
    output_ref    INTEGER,
    verdict_ref   INTEGER,
    rules_version INTEGER,
    rules_row     TEXT,
    updated_at    INTEGER NOT NULL,
    deadline_at   INTEGER NOT NULL,
    finished_at   INTEGER,
    cost_micros   INTEGER NOT NULL,
    cost_unknown  INTEGER NOT NULL CHECK (cost_unknown IN (0, 1)),
    version       INTEGER NOT NULL CHECK (version >= 0),
    workflow      TEXT NOT NULL,
    event_source  TEXT NOT NULL,
    event_id      TEXT NOT NULL,
    body_hash     BLOB NOT NULL CHECK (length(body_hash) = 32),
    requester     TEXT NOT NULL,
    batch         TEXT NOT NULL CHECK (length(batch) = 10),
    stage         TEXT NOT NULL CHECK (stage = 'off' OR stage = 'shadow' OR stage = 'draft_only' OR
                                       stage = 'approval_first' OR stage = 'auto'),
    body_ref      INTEGER NOT NULL,
    received_at   INTEGER NOT NULL,
    rerun_of      BLOB CHECK (length(rerun_of) = 16),
    -- A run that ended says how, and only a run that ended.
    CHECK ((outcome IS NOT NULL) = (status = 'completed' OR status = 'rejected' OR status = 'handed_off' OR
                                    status = 'cancelled' OR status = 'failed')),
    CHECK ((finished_at IS NOT NULL) = (outcome IS NOT NULL)),
    -- A held run says where it goes on.
    CHECK ((held_from IS NOT NULL) = (status = 'held')),
    -- Where people have a run, one of them is named.
    CHECK ((status <> 'waiting_input' AND status <> 'in_review' AND status <> 'held') OR (owner IS NOT NULL AND owner <> ''))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX runs_event ON runs (event_id, event_source, workflow);
CREATE INDEX runs_day ON runs (workflow, batch, id);
CREATE INDEX runs_open ON runs (status, deadline_at) WHERE outcome IS NULL;

CREATE TABLE payloads (
    run_id     BLOB NOT NULL REFERENCES runs (id),
    n          INTEGER NOT NULL CHECK (n >= 1),
    kind       TEXT NOT NULL CHECK (kind = 'event' OR kind = 'source' OR kind = 'snapshot' OR kind = 'answer' OR
                                    kind = 'output' OR kind = 'edit' OR kind = 'verdict' OR kind = 'request' OR
                                    kind = 'receipt' OR kind = 'note'),
    class      TEXT NOT NULL CHECK (class = 'public' OR class = 'internal' OR class = 'confidential' OR
                                    class = 'restricted'),
    salt       BLOB NOT NULL CHECK (length(salt) = 16),
    commitment BLOB NOT NULL CHECK (length(commitment) = 32),
    bytes      BLOB NOT NULL,
    PRIMARY KEY (run_id, n)
) STRICT;

CREATE TABLE attempts (
    run_id         BLOB NOT NULL REFERENCES runs (id),
    seq            INTEGER NOT NULL,
    step           TEXT NOT NULL,
    number         INTEGER NOT NULL CHECK (number >= 1),
    started_at     INTEGER NOT NULL,
    duration_us    INTEGER NOT NULL CHECK (duration_us >= 0),
    result         TEXT NOT NULL CHECK (result = 'done' OR result = 'transient' OR result = 'permanent' OR
                                        result = 'timed_out' OR result = 'invalid' OR result = 'refused' OR
                                        result = 'late' OR result = 'unclear'),
    code           TEXT,
    detail         TEXT,
    model          TEXT,
    model_reported TEXT,
    request_hash   BLOB CHECK (length(request_hash) = 32),
    answer_ref     INTEGER,
    input_tokens   INTEGER,
    output_tokens  INTEGER,
    cost_micros    INTEGER,
    bytes_received INTEGER NOT NULL,
    retry_at       INTEGER,
    PRIMARY KEY (run_id, seq, step),
    CHECK ((input_tokens IS NULL) = (output_tokens IS NULL))
) STRICT, WITHOUT ROWID;

-- The queue. A row is there exactly while a machine has something to do; done means deleted.
CREATE TABLE jobs (
    run_id      BLOB PRIMARY KEY REFERENCES runs (id),
    workflow    TEXT NOT NULL,
    due_at      INTEGER NOT NULL,
    fence       INTEGER NOT NULL CHECK (fence >= 0),
    lease_node  TEXT,
    lease_until INTEGER,
    CHECK ((lease_node IS NULL) = (lease_until IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX jobs_due ON jobs (workflow, due_at);

CREATE TABLE reviews (
    id               BLOB PRIMARY KEY CHECK (length(id) = 16),
    state            TEXT NOT NULL CHECK (state = 'open' OR state = 'claimed' OR state = 'approved' OR
                                          state = 'approved_with_edits' OR state = 'rejected' OR
                                          state = 'handed_over' OR state = 'suspended' OR state = 'superseded'),
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
    decision         TEXT CHECK (decision = 'approve' OR decision = 'approve_with_edits' OR decision = 'reject' OR
                                 decision = 'hand_over' OR decision = 'supply' OR decision = 'regenerate' OR
                                 decision = 'close_failed' OR decision = 'happened' OR decision = 'did_not_happen'),
    decision_reason  TEXT,
    note             TEXT,
    output_ref       INTEGER,
    bound_to         TEXT NOT NULL,
    approved_by      TEXT NOT NULL,
    approvals_needed INTEGER NOT NULL CHECK (approvals_needed >= 0),
    revision         INTEGER NOT NULL CHECK (revision >= 0),
    run_id           BLOB NOT NULL REFERENCES runs (id),
    workflow         TEXT NOT NULL,
    kind             TEXT NOT NULL CHECK (kind = 'output' OR kind = 'input' OR kind = 'action' OR kind = 'manual'),
    tier             TEXT NOT NULL,
    created_at       INTEGER NOT NULL,
    -- A claim names who and until when.
    CHECK (state <> 'claimed' OR (claimed_by IS NOT NULL AND claim_until IS NOT NULL)),
    -- A decision names the person; an open task has none.
    CHECK ((state <> 'open' AND state <> 'claimed' AND state <> 'suspended') OR (decided_by IS NULL AND decided_at IS NULL)),
    CHECK ((state <> 'approved' AND state <> 'approved_with_edits' AND state <> 'rejected' AND state <> 'handed_over')
           OR (decided_by IS NOT NULL AND decided_at IS NOT NULL AND decision IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX reviews_open ON reviews (due_at, id) WHERE state IN ('open', 'claimed', 'suspended');
CREATE INDEX reviews_run ON reviews (run_id);

CREATE TABLE actions (
    run_id        BLOB NOT NULL REFERENCES runs (id),
    id            BLOB NOT NULL CHECK (length(id) = 16),
    state         TEXT NOT NULL CHECK (state = 'proposed' OR state = 'authorised' OR state = 'sending' OR
                                       state = 'delivered' OR state = 'confirmed' OR state = 'retry_wait' OR
                                       state = 'uncertain' OR state = 'blocked' OR state = 'failed' OR
                                       state = 'voided' OR state = 'compensated'),
    request_ref   INTEGER NOT NULL,
    authorised_by TEXT,
    attempts      INTEGER NOT NULL CHECK (attempts >= 0),
    first_sent_at INTEGER,
    receipt_ref   INTEGER,
    external_id   TEXT,
    detail        TEXT,
    updated_at    INTEGER NOT NULL,
    version       INTEGER NOT NULL CHECK (version >= 0),
    ordinal       INTEGER NOT NULL CHECK (ordinal >= 0),
    revision      INTEGER NOT NULL CHECK (revision >= 0),
    name          TEXT NOT NULL,
    class         TEXT NOT NULL CHECK (class = 'read' OR class = 'draft' OR class = 'write' OR class = 'send' OR
                                       class = 'pay' OR class = 'irreversible'),
    ability       TEXT NOT NULL CHECK (ability = 'A' OR ability = 'B' OR ability = 'C' OR ability = 'D' OR
                                       ability = 'E' OR ability = 'F'),
    target        TEXT NOT NULL,
    key           TEXT NOT NULL,
    PRIMARY KEY (run_id, id),
    -- Nothing leaves without somebody's word and a time.
    CHECK ((state = 'proposed' OR state = 'voided' OR state = 'blocked') OR authorised_by IS NOT NULL),
    CHECK ((state <> 'sending' AND state <> 'delivered' AND state <> 'uncertain') OR first_sent_at IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX actions_key ON actions (key);

CREATE TABLE intake (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    verdict     TEXT NOT NULL CHECK (verdict = 'refused' OR verdict = 'resubmitted' OR verdict = 'dismissed'),
    code        TEXT NOT NULL,
    detail      TEXT NOT NULL,
    owner       TEXT NOT NULL,
    run_id      BLOB CHECK (length(run_id) = 16),
    version     INTEGER NOT NULL CHECK (version >= 0),
    workflow    TEXT NOT NULL,
    source      TEXT NOT NULL,
    event_id    TEXT,
    body        BLOB NOT NULL,
    body_len    INTEGER NOT NULL CHECK (body_len >= 0),
    received_at INTEGER NOT NULL,
    CHECK ((run_id IS NOT NULL) = (verdict = 'resubmitted'))
) STRICT;

CREATE TABLE notices (
    id         BLOB PRIMARY KEY CHECK (length(id) = 16),
    state      TEXT NOT NULL CHECK (state = 'waiting' OR state = 'sent' OR state = 'failed'),
    attempts   INTEGER NOT NULL CHECK (attempts >= 0),
    due_at     INTEGER NOT NULL,
    detail     TEXT,
    version    INTEGER NOT NULL CHECK (version >= 0),
    person     TEXT NOT NULL,
    workflow   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    title      TEXT NOT NULL,
    path       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX notices_waiting ON notices (due_at) WHERE state = 'waiting';

-- The audit log: the index is the place in the Merkle tree, assigned in the transaction.
CREATE TABLE audit (
    idx      INTEGER PRIMARY KEY CHECK (idx >= 0),
    run_id   BLOB CHECK (length(run_id) = 16),
    workflow TEXT,
    seq      INTEGER,
    at       INTEGER NOT NULL,
    kind     TEXT NOT NULL,
    leaf     BLOB NOT NULL CHECK (length(leaf) BETWEEN 2 AND 65535),
    CHECK ((run_id IS NULL) = (seq IS NULL))
) STRICT;
CREATE INDEX audit_run ON audit (run_id) WHERE run_id IS NOT NULL;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit entries never change'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit entries never go away'); END;

CREATE TABLE audit_tiles (
    level  INTEGER NOT NULL CHECK (level BETWEEN 0 AND 63),
    idx    INTEGER NOT NULL CHECK (idx >= 0),
    width  INTEGER NOT NULL CHECK (width BETWEEN 1 AND 256),
    hashes BLOB NOT NULL,
    PRIMARY KEY (level, idx),
    CHECK (length(hashes) = width * 32)
) STRICT;

CREATE TABLE audit_checkpoints (
    size INTEGER PRIMARY KEY CHECK (size >= 0),
    root BLOB NOT NULL CHECK (length(root) = 32),
    note TEXT NOT NULL,
    at   INTEGER NOT NULL
) STRICT;
CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints never change'); END;
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'checkpoints never go away'); END;

-- One row: the right edge of the tree, and the next index to be given out.
CREATE TABLE audit_head (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    size     INTEGER NOT NULL,
    frontier BLOB NOT NULL,
    next_idx INTEGER NOT NULL
) STRICT;
INSERT INTO audit_head (one, size, frontier, next_idx) VALUES (1, 0, x'', 0);
