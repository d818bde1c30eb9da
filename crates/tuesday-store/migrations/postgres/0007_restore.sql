-- A database that was put back from a backup looks before it sends what older runs have not sent.
ALTER TABLE instance ADD COLUMN restored_at BIGINT;
