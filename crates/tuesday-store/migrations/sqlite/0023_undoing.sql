-- Undoing a write is an action of its own, at place 32768 + the place of the one it undoes. The few
-- that have not come to an end are found without looking at all actions.
CREATE INDEX actions_undoing ON actions (run_id, id)
    WHERE ordinal >= 32768 AND NOT (state = 'confirmed' OR state = 'voided');
