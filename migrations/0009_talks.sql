-- Calls from one phone of ours to another that are not over: what a restarted server takes up or ends.
CREATE TABLE talks (
    id             TEXT   PRIMARY KEY,
    company_id     TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    started_at     BIGINT NOT NULL,
    -- The dialogs' records, once there are any, in JSON.
    caller_dialog  TEXT,
    callee_dialog  TEXT,
    body           TEXT   NOT NULL
);
