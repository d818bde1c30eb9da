-- A challenge that was given out and waits for its one answer: a passkey's, or the way back from the
-- identity provider. Kept for minutes; any node may take the answer, once.

CREATE TABLE ceremonies (
    hash       BYTEA PRIMARY KEY CHECK (length(hash) = 32),
    kind       TEXT NOT NULL CHECK (kind = 'passkey_new' OR kind = 'passkey_enter' OR kind = 'passkey_confirm'
                                    OR kind = 'oidc_enter' OR kind = 'oidc_confirm'),
    person     TEXT REFERENCES people (handle),
    door       TEXT NOT NULL,
    data       TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    -- Who enters is not known yet; who adds or confirms is.
    CHECK ((kind = 'passkey_enter' OR kind = 'oidc_enter') = (person IS NULL))
);
CREATE INDEX ceremonies_door ON ceremonies (door);
CREATE INDEX ceremonies_expiry ON ceremonies (expires_at);
