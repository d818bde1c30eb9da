-- Signs of reading that said more time than had passed, or less than none: what of them was dropped is counted.
-- Twin: ../sqlite/ with the same number and name.

ALTER TABLE review_reads ADD COLUMN dropped BIGINT NOT NULL DEFAULT 0 CHECK (dropped >= 0);
