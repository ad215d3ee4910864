-- How a room's door behaves besides its PINs: roles by condition, waiting for the moderator.
-- JSON; NULL is as it always was.
ALTER TABLE rooms ADD COLUMN settings TEXT;
