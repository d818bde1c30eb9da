-- The release that goes on for the live one while the live one's model provider is away, and tasks that are put down
-- while their workflow is paused.
-- Twin: ../postgres/ with the same number and name.
ALTER TABLE workflows ADD COLUMN alternative BLOB CHECK (length(alternative) = 16);
CREATE INDEX reviews_suspended ON reviews (workflow, id) WHERE state = 'suspended';
