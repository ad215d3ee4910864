-- Meetings that repeat.

-- Counts how often a plan has been written: of two who change it at once, one reads it again.
ALTER TABLE meetings ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
-- When further dates of a series are to be made; NULL when there are none to come.
ALTER TABLE meetings ADD COLUMN extend_at BIGINT;
CREATE INDEX meetings_to_extend ON meetings (extend_at);

-- The day the series gives a date, 2026-11-24: a day has one date, whoever makes it.
ALTER TABLE occurrences ADD COLUMN slot TEXT;
CREATE UNIQUE INDEX occurrences_by_slot ON occurrences (meeting_id, slot);
