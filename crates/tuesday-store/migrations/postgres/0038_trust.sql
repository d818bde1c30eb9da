-- Whether stated confidence comes true: what was stated, beside where the run was routed, and how far it can be
-- relied on, beside the workflow. A test instance grants what evidence would have to show. Twin: ../sqlite/ with the
-- same number and name.

ALTER TABLE routed ADD COLUMN confidence_ppm BIGINT CHECK (confidence_ppm >= 0 AND confidence_ppm <= 1000000);

ALTER TABLE workflows ADD COLUMN trust TEXT NOT NULL DEFAULT '{"v":1}';
UPDATE workflows SET trust = '{"v":1,"granted":true}' WHERE EXISTS (SELECT 1 FROM instance WHERE kind = 'test');
