-- City numbers that are kept for events, and what each is bound to.
CREATE TABLE event_numbers (
    id          TEXT PRIMARY KEY,
    company_id  TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    number      TEXT NOT NULL UNIQUE,
    -- The trunk it comes by; NULL is any.
    trunk_id    TEXT REFERENCES trunks (id),
    -- JSON: the meeting, its window and its rest; NULL is free.
    binding     TEXT
);
