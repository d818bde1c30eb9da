-- Figures of days get what went alone or was held back, and what people said about it: every day is made again
-- from its records at the next look. The quarterly look at a label is a decision: whether the workflow goes on, and
-- the figures it rests on; looks from before have none. Twin: ../postgres/ with the same number and name.

DELETE FROM figure_mark;

ALTER TABLE label_events ADD COLUMN choice TEXT CHECK (choice IS NULL OR (kind = 'reviewed' AND
    (choice = 'expand' OR choice = 'keep' OR choice = 'narrow' OR choice = 'pause' OR choice = 'retire')));
ALTER TABLE label_events ADD COLUMN evidence TEXT CHECK ((evidence IS NOT NULL) = (choice IS NOT NULL) AND evidence <> '');
