-- Calls that employees made outside from their own lines: what they count is not forgotten by a restart.
CREATE TABLE own_calls (
    id             TEXT   PRIMARY KEY,
    company_id     TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    employee_id    TEXT   NOT NULL,
    number         TEXT   NOT NULL,
    made_at        BIGINT NOT NULL,
    answered_at    BIGINT,
    ended_at       BIGINT
);
CREATE INDEX own_calls_by_time ON own_calls (made_at);
