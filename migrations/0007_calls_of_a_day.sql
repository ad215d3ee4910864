-- What a company has called since an hour: its limits for a day are counted from it.
CREATE INDEX attempts_by_company ON attempts (company_id, started_at);
