-- Broadcasts: one content to many. What is said stands once; for each recipient there is one row with what is said to it alone, and a
-- message only shortly before it is sent (docs/decisions/0016-broadcasts.md).
--
-- Both tables are new. The column may be null and rewrites no row. The index on messages holds broadcasts' messages only: none yet, but
-- building it reads the table, about a second per million rows, in which PostgreSQL does not write to it.

-- content: JSON of what is said, with {{variables}}. number_ids, audience, options: JSON. state: draft | scheduled | running | paused |
-- completed | canceled; reason and detail: why it is paused or ended. recipients: rows it has; taken: of them with a message; skipped:
-- that get none. take_most: it pauses when so many are taken; null: no such limit. freezing: JSON of how far the audience is written,
-- null before the launch and when all of it is. next_us: its next free moment, where it has a rate. due_at: when somebody has to look
-- after it, null: not before a person does something. held_by: the process that does, as long as that has a row in processes. retry_of:
-- the broadcast whose failed it goes to again; each has one retry at most, so that nobody gets two. aged_to: the person up to
-- whom variables have aged out; null: all have.
create table broadcasts (
  tenant_id text not null,
  id text not null,
  name text not null,
  key_id text not null,
  dialect text not null,
  content text not null,
  endpoint text not null,
  number_ids text not null,
  audience text not null,
  retry_of text,
  options text not null,
  state text not null,
  reason text,
  detail text,
  recipients bigint not null default 0,
  taken bigint not null default 0,
  skipped bigint not null default 0,
  take_most bigint,
  freezing text,
  next_us bigint not null default 0,
  due_at bigint,
  held_by text,
  start_at bigint,
  ends_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  launched_at bigint,
  started_at bigint,
  frozen_at bigint,
  ended_at bigint,
  aged_to text default '',
  primary key (tenant_id, id)
);
create index broadcasts_due on broadcasts (due_at) where due_at is not null;
create unique index broadcasts_retry_of on broadcasts (tenant_id, retry_of) where retry_of is not null;

-- person: the digits under which a phone is known however it is written (canonical/phone-names.ts); phone: as it is dialled, null: the
-- same. state: waiting | taken | skipped. reason: why it is skipped. due_at: not before; 0: as soon as it is its turn.
create table broadcast_recipients (
  tenant_id text not null,
  broadcast_id text not null,
  person text not null,
  phone text,
  contact_id bigint,
  variables text,
  time_zone text,
  state text not null,
  reason text,
  due_at bigint not null,
  message_id text,
  primary key (tenant_id, broadcast_id, person)
);
create index broadcast_recipients_waiting on broadcast_recipients (tenant_id, broadcast_id, due_at, person) where state = 'waiting';

alter table messages add column broadcast_id text;
create index messages_of_broadcast on messages (tenant_id, broadcast_id, status, number_id, id) where broadcast_id is not null;
