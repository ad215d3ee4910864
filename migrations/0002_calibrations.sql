-- Test calls by which a trunk's answers are learnt, one calibration a trunk at most.
-- What was learnt and is used stands in the trunk's own body.
CREATE TABLE calibrations (
    trunk_id    TEXT   PRIMARY KEY REFERENCES trunks (id) ON DELETE CASCADE,
    company_id  TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    version     BIGINT NOT NULL,
    body        TEXT   NOT NULL
);
CREATE INDEX calibrations_by_company ON calibrations (company_id);
