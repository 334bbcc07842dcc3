-- What the first answer to a send said of its messages' windows, so that a repeat under the same Idempotency-Key hears the same: JSON
-- by message id, null where nothing was said. Locks the table for a moment and rewrites nothing.
alter table idempotency_keys add column windows text;
