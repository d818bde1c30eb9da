-- Changes of a workflow that are watched, and those that wait for them: one small record that moves with the row.
-- Twin: ../sqlite/ with the same number and name.
ALTER TABLE workflows ADD COLUMN changes TEXT NOT NULL DEFAULT '{"v":1}';
