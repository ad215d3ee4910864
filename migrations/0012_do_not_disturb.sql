-- People who want to be left alone, until a time or until they lift it.
CREATE TABLE do_not_disturb (
    employee_id TEXT   PRIMARY KEY REFERENCES employees (id) ON DELETE CASCADE,
    company_id  TEXT   NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    -- Unix milliseconds; none until it is lifted.
    until_at    BIGINT
);
CREATE INDEX do_not_disturb_by_company ON do_not_disturb (company_id);
