-- What was said in rooms and written down. The audio lies in files beside the database.
CREATE TABLE recordings (
    id          TEXT   PRIMARY KEY,
    company_id  TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    room_id     TEXT   NOT NULL,
    started_at  BIGINT NOT NULL,
    -- NULL while it runs.
    ended_at    BIGINT,
    body        TEXT   NOT NULL
);
CREATE INDEX recordings_by_company ON recordings (company_id, started_at);
CREATE INDEX recordings_by_end ON recordings (ended_at);
