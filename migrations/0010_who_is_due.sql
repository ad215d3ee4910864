-- Who is due is asked of what goes on, not of all who wait.
CREATE INDEX invitations_waiting ON invitations (occurrence_id, status, due_at);
