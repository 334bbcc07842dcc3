-- What Meta told us. The primary key of incoming is the rule that never expires against replays. Locks nothing: new tables.

create table incoming (
  tenant_id text not null,
  number_id bigint not null,
  wamid text not null,
  sender text not null,
  type text not null,
  payload text not null,
  at bigint not null,
  received_at bigint not null,
  primary key (tenant_id, number_id, wamid)
);

create index incoming_by_sender on incoming (tenant_id, sender, at);

-- The 24-hour window of one number and one recipient; opened_at is Meta's time of the latest incoming message.
create table windows (
  tenant_id text not null,
  number_id bigint not null,
  recipient text not null,
  opened_at bigint not null,
  closes_at bigint not null,
  primary key (tenant_id, recipient, number_id)
);

-- Changes of a field or kind we do not interpret yet: kept, once each (digest), never a reason for a 500.
create table kept_changes (
  tenant_id text not null,
  digest text not null,
  field text not null,
  payload text not null,
  received_at bigint not null,
  primary key (tenant_id, digest)
);
