-- What people said in writing about the dates of a plan, lists or not.
CREATE TABLE answers (
    meeting_id  TEXT   NOT NULL REFERENCES meetings (id) ON DELETE CASCADE,
    -- As in invitations.
    person      TEXT   NOT NULL,
    -- The day the series gives the date, 2026-11-24; empty: all of them.
    slot        TEXT   NOT NULL,
    company_id  TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    -- NULL: the date has moved since, he is asked anew.
    rsvp        TEXT,
    said_at     BIGINT NOT NULL,
    -- When his calendar wrote it; NULL: no calendar did.
    stamped_at  BIGINT,
    PRIMARY KEY (meeting_id, person, slot)
);
