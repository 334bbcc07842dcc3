-- What ages out and what is erased (docs/decisions/0009-retention.md). Three new tables, which lock nothing, and three partial
-- indexes: on PostgreSQL nothing is written to incoming, kept_changes and messages while each is built (about a second per million
-- rows). They stay small: what has aged out leaves the first two, and the third holds only people whose WhatsApp id is not
-- the number that was dialled.

-- Where retention stands with each tenant, and which process is at it. Like lanes, it is looked up by time. bodies_to, messages_to:
-- the last message id that was looked at; ids are ordered by time, so age is a range of the messages' key.
create table retention (
  tenant_id text primary key,
  due_at bigint not null,
  held_by text,
  held_until bigint not null,
  bodies_to text not null,
  messages_to text not null
);
create index retention_due on retention (due_at);

-- Messages that had not ended when they were passed, or not for long enough. kind: bodies | messages.
create table retention_late (
  tenant_id text not null,
  kind text not null,
  message_id text not null,
  primary key (tenant_id, kind, message_id)
);

-- Requests to erase a person, and their receipts. names is sealed and null once finished; the rest names nobody.
create table erasures (
  tenant_id text not null,
  id text not null,
  recipient_hash text not null,
  names text,
  changes_to text not null,
  counts text not null,
  requested_by text not null,
  requested_at bigint not null,
  finished_at bigint,
  digest text,
  primary key (tenant_id, id)
);
create index erasures_by_recipient on erasures (tenant_id, recipient_hash, id);
create index erasures_running on erasures (tenant_id, id) where finished_at is null;

create index incoming_aging on incoming (tenant_id, received_at) where payload <> '';
create index kept_changes_aging on kept_changes (tenant_id, received_at) where payload <> '';
create index messages_by_wa_id on messages (tenant_id, wa_id) where wa_id <> recipient;
