-- What people may do and how they get in. An empty workflow or tier means all of them, because a
-- key has no NULL. Nothing here holds a password, a code or a token: only hashes.

CREATE TABLE grants (
    person     TEXT NOT NULL REFERENCES people (handle),
    role       TEXT NOT NULL CHECK (role IN ('operator_owner', 'technical_owner', 'executive_sponsor', 'reviewer',
                                             'specialist_reviewer', 'escalation_owner', 'on_call', 'release_approver',
                                             'security_approver', 'auditor', 'administrator')),
    workflow   TEXT NOT NULL,
    tier       TEXT NOT NULL,
    clearance  TEXT NOT NULL CHECK (clearance IN ('public', 'internal', 'confidential', 'restricted')),
    may_pause  INTEGER NOT NULL CHECK (may_pause IN (0, 1)),
    granted_by TEXT NOT NULL,
    granted_at INTEGER NOT NULL,
    PRIMARY KEY (person, role, workflow, tier),
    CHECK (tier = '' OR role = 'specialist_reviewer')
) STRICT, WITHOUT ROWID;

CREATE TABLE credentials (
    person     TEXT NOT NULL REFERENCES people (handle),
    kind       TEXT NOT NULL CHECK (kind IN ('password', 'totp', 'recovery', 'passkey', 'oidc')),
    name       TEXT NOT NULL,
    label      TEXT NOT NULL,
    data       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    used_at    INTEGER,
    PRIMARY KEY (person, kind, name),
    CHECK ((kind IN ('passkey', 'oidc')) = (name <> ''))
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX credentials_name ON credentials (kind, name) WHERE name <> '';

CREATE TABLE invites (
    hash       BLOB PRIMARY KEY CHECK (length(hash) = 32),
    person     TEXT NOT NULL REFERENCES people (handle),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at    INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    hash       BLOB PRIMARY KEY CHECK (length(hash) = 32),
    person     TEXT NOT NULL REFERENCES people (handle),
    began      TEXT NOT NULL CHECK (began IN ('link', 'invite', 'token', 'password', 'password_and_code', 'passkey',
                                              'oidc', 'demo')),
    workflow   TEXT,
    csrf       TEXT NOT NULL,
    agent      TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    fresh_at   INTEGER NOT NULL,
    ends_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_person ON sessions (person);

CREATE TABLE guesses (
    door     TEXT PRIMARY KEY,
    failures INTEGER NOT NULL CHECK (failures >= 0),
    last_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE right_uses (
    person   TEXT NOT NULL,
    act      TEXT NOT NULL,
    workflow TEXT NOT NULL,
    used_at  INTEGER NOT NULL,
    PRIMARY KEY (person, act, workflow)
) STRICT, WITHOUT ROWID;

CREATE TABLE away (
    person     TEXT PRIMARY KEY REFERENCES people (handle),
    away_until INTEGER NOT NULL,
    stand_in   TEXT REFERENCES people (handle),
    CHECK (stand_in IS NULL OR stand_in <> person)
) STRICT, WITHOUT ROWID;
