-- Of several servers on one database, one works and the others stand by.
CREATE TABLE leader (
    id      BIGINT PRIMARY KEY,
    -- Empty: nobody.
    node    TEXT   NOT NULL,
    -- Counts those who have led: whoever was deposed has an older one.
    term    BIGINT NOT NULL
);
INSERT INTO leader (id, node, term) VALUES (1, '', 0);

-- Apart from it, because a writer holds the row above while he writes.
CREATE TABLE leader_beat (
    id      BIGINT PRIMARY KEY,
    beat    BIGINT NOT NULL
);
INSERT INTO leader_beat (id, beat) VALUES (1, 0);
