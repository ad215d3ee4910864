-- Lists of people with a name, and what an employee proves himself with by telephone.
CREATE TABLE templates (
    id          TEXT PRIMARY KEY,
    company_id  TEXT NOT NULL REFERENCES companies (id) ON DELETE CASCADE,
    name        TEXT NOT NULL,
    body        TEXT NOT NULL,
    UNIQUE (company_id, name)
);

-- Keyed in where the line does not tell who calls; NULL is none: he cannot come that way.
ALTER TABLE employees ADD COLUMN phone_pin TEXT;
