-- A report that was tied to its run by a person, after it came: tied_by says run then, as for one whose reporter
-- named it, and this says that a person did. Twin: ../postgres/ with the same number and name.

ALTER TABLE problem_reports ADD COLUMN by_hand INTEGER NOT NULL DEFAULT 0 CHECK (by_hand = 0 OR by_hand = 1);
