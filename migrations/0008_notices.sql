-- Mails and short messages: each is written with what caused it, and tried until
-- it is sent or of no use any more.
CREATE TABLE notices (
    id             TEXT   PRIMARY KEY,
    company_id     TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    occurrence_id  TEXT,
    invitation_id  TEXT,
    -- What shares one way out; whoever is in another queue does not wait for it.
    queue          TEXT   NOT NULL,
    -- What must be said once only, whoever finds that it must be said.
    said_once      TEXT   UNIQUE,
    -- waiting, sent or failed.
    status         TEXT   NOT NULL,
    due_at         BIGINT,
    leased_until   BIGINT NOT NULL DEFAULT 0,
    created_at     BIGINT NOT NULL,
    body           TEXT   NOT NULL
);
CREATE INDEX notices_due ON notices (status, queue, due_at);
CREATE INDEX notices_by_occurrence ON notices (occurrence_id, created_at);
CREATE INDEX notices_by_time ON notices (company_id, created_at);

-- The service by which a company sends short messages.
CREATE TABLE sms_gateways (
    company_id    TEXT PRIMARY KEY REFERENCES companies (id) ON DELETE CASCADE,
    body          TEXT NOT NULL,
    sealed_token  TEXT
);

-- What stands in the calendars of those invited, as far as we have told them.
CREATE TABLE calendar_entries (
    meeting_id  TEXT PRIMARY KEY,
    company_id  TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    body        TEXT NOT NULL
);

-- Who reads the events in order to act on them, and how far he is.
CREATE TABLE followers (
    company_id  TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    name        TEXT   NOT NULL,
    seq         BIGINT NOT NULL,
    PRIMARY KEY (company_id, name)
);

-- Receivers of a company's events.
CREATE TABLE webhooks (
    id             TEXT   PRIMARY KEY,
    company_id     TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    -- The last event it was told of.
    seq            BIGINT NOT NULL,
    due_at         BIGINT NOT NULL,
    leased_until   BIGINT NOT NULL DEFAULT 0,
    body           TEXT   NOT NULL,
    sealed_secret  TEXT   NOT NULL
);
CREATE INDEX webhooks_by_company ON webhooks (company_id);

-- Requests that must act once, by the key their sender gave them.
CREATE TABLE receipts (
    user_id        TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    request_key    TEXT   NOT NULL,
    -- What was asked: the hash of method, path and body.
    request        TEXT   NOT NULL,
    created_at     BIGINT NOT NULL,
    leased_until   BIGINT NOT NULL,
    -- 1: what it asked for is written.
    acted          BIGINT NOT NULL,
    sealed_answer  TEXT,
    PRIMARY KEY (user_id, request_key)
);
CREATE INDEX receipts_by_time ON receipts (created_at);
