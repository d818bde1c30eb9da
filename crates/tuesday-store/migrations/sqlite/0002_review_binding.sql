-- What an approval rests on and what became of it: who wrote the text in force, what a new look at the sources found,
-- what was overridden and why, the task a recalled approval leads to, the requests that counted, and until when an
-- approved action can be recalled. Twin: ../postgres/ with the same number and name.
ALTER TABLE reviews ADD COLUMN edited_by TEXT;
ALTER TABLE reviews ADD COLUMN recheck_ref INTEGER CHECK (recheck_ref >= 1);
ALTER TABLE reviews ADD COLUMN override_kind TEXT CHECK (override_kind IN ('edit', 'reject', 'reroute', 'forced'));
ALTER TABLE reviews ADD COLUMN override_ref INTEGER CHECK (override_ref >= 1);
ALTER TABLE reviews ADD COLUMN follows BLOB CHECK (length(follows) = 16);
ALTER TABLE reviews ADD COLUMN request_keys TEXT NOT NULL DEFAULT '[]';
CREATE INDEX reviews_overridden ON reviews (decided_at) WHERE override_kind IS NOT NULL;
ALTER TABLE actions ADD COLUMN not_before INTEGER;
