-- The message row is the queue entry, the ledger of its life and what the caller sees. Locks nothing: the tables are new.

create table messages (
  tenant_id text not null,
  id text not null,
  number_id bigint not null,
  key_id text not null,
  dialect text not null,
  type text not null,
  recipient_kind text not null,
  recipient text not null,
  endpoint text not null,
  body text not null,
  callback_data text,
  campaign text,
  priority integer not null,
  fake integer not null,
  status text not null,
  rank integer not null,
  due_at bigint not null,
  expires_at bigint not null,
  claimed_by text,
  claimed_until bigint,
  tries integer not null,
  wamid text,
  wa_id text,
  error text,
  created_at bigint not null,
  sending_at bigint,
  accepted_at bigint,
  sent_at bigint,
  delivered_at bigint,
  read_at bigint,
  played_at bigint,
  ended_at bigint,
  primary key (tenant_id, id)
);
-- The queue of a number: replies and single sends (priority 0) before bulk (1), then by time.
create index messages_queue on messages (tenant_id, number_id, priority, due_at, id) where rank = 0;
create index messages_expiry on messages (tenant_id, number_id, expires_at) where rank = 0;
create index messages_unsettled on messages (tenant_id, number_id, status, claimed_until) where status in ('sending', 'uncertain');
create index messages_by_wamid on messages (tenant_id, wamid) where wamid is not null;
create index messages_by_recipient on messages (tenant_id, recipient, id);

-- Every send that did not end in Meta's yes: why, and what follows.
create table tries (
  tenant_id text not null,
  message_id text not null,
  n integer not null,
  at bigint not null,
  verdict text not null,
  code integer,
  reason text not null,
  next_at bigint,
  primary key (tenant_id, message_id, n)
);

-- A number's pace (decision 6): next_us is the first free moment, in Unix microseconds, advanced by every claim.
-- due_at: when the number's queue next wants the sender, null when it is empty. sweep_at: when claims must be looked after.
create table lanes (
  number_id bigint primary key,
  tenant_id text not null,
  per_second integer not null,
  next_us bigint not null,
  due_at bigint,
  sweep_at bigint,
  paused_until bigint not null,
  bulk_paused_until bigint not null
);
create index lanes_due on lanes (due_at) where due_at is not null;
create index lanes_sweep on lanes (sweep_at) where sweep_at is not null;
