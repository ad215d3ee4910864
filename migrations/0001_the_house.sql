-- The first shape of the database, for SQLite and PostgreSQL alike.
--
-- Ids are UUID v7 as text; times are Unix milliseconds, UTC, in BIGINT, because
-- both databases sort them alike. Bodies are JSON as text: a column stands beside
-- a body only where a query needs it. Booleans are 0 and 1. Columns named
-- `sealed_*` are encrypted with the key in the data folder.

CREATE TABLE companies (
    id         TEXT   PRIMARY KEY,
    name       TEXT   NOT NULL UNIQUE,
    domain     TEXT   NOT NULL UNIQUE,
    -- Language, time zone, quiet hours, rules.
    body       TEXT   NOT NULL,
    -- Counts the changes of the directory; the server reloads when it moves.
    revision   BIGINT NOT NULL DEFAULT 0,
    -- The number of the last event.
    event_seq  BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE employees (
    id          TEXT   PRIMARY KEY,
    company_id  TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    position    BIGINT NOT NULL,
    name        TEXT   NOT NULL,
    group_name  TEXT,
    extension   TEXT   NOT NULL,
    time_zone   TEXT,
    UNIQUE (company_id, extension)
);

-- Web logins. The address is unique over all companies: it says which one is meant.
CREATE TABLE users (
    id             TEXT PRIMARY KEY,
    company_id     TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    employee_id    TEXT NOT NULL UNIQUE REFERENCES employees (id) ON DELETE CASCADE,
    email          TEXT NOT NULL UNIQUE,
    password_hash  TEXT NOT NULL,
    level          TEXT NOT NULL
);

CREATE TABLE sessions (
    -- SHA-256 of the cookie.
    hash        TEXT   PRIMARY KEY,
    user_id     TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE tokens (
    id          TEXT   PRIMARY KEY,
    user_id     TEXT   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    name        TEXT   NOT NULL,
    -- SHA-256 of the token.
    hash        TEXT   NOT NULL UNIQUE,
    created_at  BIGINT NOT NULL,
    used_at     BIGINT
);
CREATE INDEX tokens_by_user ON tokens (user_id);

CREATE TABLE trunks (
    id             TEXT   PRIMARY KEY,
    company_id     TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    position       BIGINT NOT NULL,
    name           TEXT   NOT NULL,
    -- Address, transport, registration, caller's number, limits.
    body           TEXT   NOT NULL,
    -- What we answer the operator's challenge with; its realm is not known before, so no HA1.
    sealed_secret  TEXT,
    UNIQUE (company_id, name)
);

CREATE TABLE devices (
    id             TEXT   PRIMARY KEY,
    company_id     TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    employee_id    TEXT   NOT NULL REFERENCES employees (id) ON DELETE CASCADE,
    position       BIGINT NOT NULL,
    kind           TEXT   NOT NULL,
    -- The SIP user name, for what may register.
    username       TEXT,
    -- An IP-SIM's mobile number, or an outside number.
    number         TEXT,
    short_number   TEXT,
    -- An IP-SIM's operator; NULL is the company's first trunk.
    trunk_id       TEXT   REFERENCES trunks (id),
    -- HA1 by MD5 and SHA-256 (RFC 8760) over the company's domain; the secret itself is not kept.
    sealed_ha1     TEXT,
    UNIQUE (company_id, username)
);
CREATE INDEX devices_by_employee ON devices (employee_id);

CREATE TABLE rooms (
    id             TEXT   PRIMARY KEY,
    company_id     TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    number         TEXT   NOT NULL,
    name           TEXT   NOT NULL,
    pin            TEXT,
    moderator_pin  TEXT,
    -- 1: comes from the company file, which may also remove it.
    from_file      BIGINT NOT NULL,
    position       BIGINT NOT NULL,
    UNIQUE (company_id, number)
);

CREATE TABLE numbers (
    id          TEXT PRIMARY KEY,
    company_id  TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    number      TEXT NOT NULL UNIQUE,
    -- The trunk it comes by; NULL is any.
    trunk_id    TEXT REFERENCES trunks (id),
    room_id     TEXT NOT NULL REFERENCES rooms (id)
);
CREATE INDEX numbers_by_room ON numbers (room_id);

CREATE TABLE meetings (
    id          TEXT   PRIMARY KEY,
    company_id  TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    removed_at  BIGINT,
    body        TEXT   NOT NULL
);
CREATE INDEX meetings_by_company ON meetings (company_id);

CREATE TABLE occurrences (
    id            TEXT   PRIMARY KEY,
    company_id    TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    meeting_id    TEXT   REFERENCES meetings (id),
    room_id       TEXT   NOT NULL,
    status        TEXT   NOT NULL,
    dial_at       BIGINT NOT NULL,
    starts_at     BIGINT NOT NULL,
    ends_at       BIGINT NOT NULL,
    version       BIGINT NOT NULL,
    body          TEXT   NOT NULL
);
-- `status` is scheduled, calling, live, open (live, but nobody is called), ended, missed or cancelled.
CREATE INDEX occurrences_by_dial ON occurrences (status, dial_at);
CREATE INDEX occurrences_by_time ON occurrences (company_id, starts_at);
CREATE INDEX occurrences_by_room ON occurrences (room_id, ends_at);
CREATE INDEX occurrences_by_meeting ON occurrences (meeting_id);
-- Of two who call somebody into an empty room at once, both call into one gathering.
CREATE UNIQUE INDEX gatherings ON occurrences (room_id)
    WHERE meeting_id IS NULL AND status IN ('calling', 'live', 'open');

CREATE TABLE invitations (
    id             TEXT   PRIMARY KEY,
    company_id     TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    occurrence_id  TEXT   NOT NULL REFERENCES occurrences (id),
    -- Keeps the organiser's order.
    position       BIGINT NOT NULL,
    -- Whom the calls go to, the same over all meetings: an employee or a number.
    person         TEXT   NOT NULL,
    status         TEXT   NOT NULL,
    due_at         BIGINT,
    leased_until   BIGINT NOT NULL DEFAULT 0,
    version        BIGINT NOT NULL,
    body           TEXT   NOT NULL
);
CREATE INDEX invitations_due ON invitations (status, due_at);
CREATE INDEX invitations_by_occurrence ON invitations (occurrence_id, position);
-- A person has one place on a list.
CREATE UNIQUE INDEX invitations_by_person ON invitations (occurrence_id, person);

CREATE TABLE attempts (
    id             TEXT   PRIMARY KEY,
    company_id     TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    invitation_id  TEXT   NOT NULL REFERENCES invitations (id),
    person         TEXT   NOT NULL,
    started_at     BIGINT NOT NULL,
    ended_at       BIGINT,
    -- The INVITE of a restarted server must name the same port.
    rtp_port       BIGINT,
    -- The dialog's record, once answered: what a restarted server takes the call up by.
    dialog         TEXT,
    -- The call's own state (prompts, keys) at its last step.
    call           TEXT,
    body           TEXT   NOT NULL
);
CREATE INDEX attempts_by_invitation ON attempts (invitation_id, started_at);
-- One call at a time to one person, over all meetings.
CREATE UNIQUE INDEX attempts_in_flight ON attempts (company_id, person) WHERE ended_at IS NULL;

-- Numbers whose owner wants no call from this company again (SIP 607, 608).
CREATE TABLE never_again (
    company_id  TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    number      TEXT   NOT NULL,
    since       BIGINT NOT NULL,
    PRIMARY KEY (company_id, number)
);

-- Stays in rooms, by whichever way the member came.
CREATE TABLE visits (
    member_id      TEXT   PRIMARY KEY,
    company_id     TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    occurrence_id  TEXT   REFERENCES occurrences (id),
    joined_at      BIGINT NOT NULL,
    left_at        BIGINT,
    body           TEXT   NOT NULL
);
CREATE INDEX visits_by_occurrence ON visits (occurrence_id, joined_at);

-- Calls that came in and were answered, so that a restarted server can take them up again or end them.
CREATE TABLE inbound_calls (
    id          TEXT   PRIMARY KEY,
    company_id  TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    started_at  BIGINT NOT NULL,
    rtp_port    BIGINT,
    dialog      TEXT   NOT NULL,
    body        TEXT   NOT NULL
);

-- Registrations. One row per contact.
CREATE TABLE bindings (
    account     TEXT   NOT NULL,
    contact     TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    body        TEXT   NOT NULL,
    PRIMARY KEY (account, contact)
);
CREATE INDEX bindings_by_expiry ON bindings (expires_at);

CREATE TABLE events (
    company_id  TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    seq         BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    body        TEXT   NOT NULL,
    PRIMARY KEY (company_id, seq)
);
CREATE INDEX events_by_time ON events (at);
