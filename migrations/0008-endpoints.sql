-- Webhooks to customers: where to (endpoints), what (events), and every POST (attempts). New tables lock nothing.

-- url: null for `wagate listen`. format: meta | connectly | standard. events: JSON array of patterns (canonical/event.ts). door: through
-- which it was made: native | connectly | connexease | cloud | listen; door_data is JSON of what only that door shows. secrets and
-- headers are sealed. signs_with: endpoint | app (the number's app secret). status: active | paused | disabled.
create table endpoints (
  tenant_id text not null,
  id text not null,
  number_id bigint,
  url text,
  format text not null,
  events text not null,
  door text not null,
  door_data text,
  description text not null,
  ordered integer not null,
  batch_max integer not null,
  per_second integer,
  secrets text not null,
  headers text not null,
  signs_with text not null,
  status text not null,
  status_reason text,
  status_at bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, id)
);

-- How the posting to an endpoint goes. One process at a time posts to it: held_by, as long as that has a row in processes. failures: in a
-- row; failing_since: the first of them; rests_until: nothing is posted before; next_us: its next free moment, where it has a rate.
create table endpoint_states (
  tenant_id text not null,
  endpoint_id text not null,
  held_by text,
  failures bigint not null,
  failing_since bigint,
  rests_until bigint not null,
  next_us bigint not null,
  primary key (tenant_id, endpoint_id)
);
create index endpoint_states_held on endpoint_states (held_by) where held_by is not null;

-- data: what the event says; meta: what Meta told, JSON, null when it was not Meta. Both are '' once aged out or erased. Written only
-- where a tenant has endpoints.
create table events (
  tenant_id text not null,
  id text not null,
  type text not null,
  at bigint not null,
  number_id bigint,
  person text,
  message_id text,
  data text not null,
  meta text,
  primary key (tenant_id, id)
);
create index events_by_person on events (tenant_id, person, id) where person is not null;

-- One POST of one event to one endpoint: pending until it was made. state: pending | delivered | failed (another follows at next_at) |
-- given_up | skipped. post: the event whose body it travelled in, where several share a POST. conversation: '' unless the endpoint is
-- ordered. problem: why it failed, a word of webhooks/outcome.ts. headers, body: what was posted; answer: the first bytes of what came back.
create table attempts (
  tenant_id text not null,
  endpoint_id text not null,
  event_id text not null,
  n integer not null,
  conversation text not null,
  state text not null,
  due_at bigint not null,
  began_at bigint,
  took_ms integer,
  http_status integer,
  problem text,
  post text,
  headers text,
  body text,
  answer_headers text,
  answer text,
  next_at bigint,
  primary key (tenant_id, endpoint_id, event_id, n)
);
create index attempts_pending on attempts (tenant_id, endpoint_id, due_at, event_id) where state = 'pending';
create index attempts_in_order on attempts (tenant_id, endpoint_id, conversation, event_id) where state = 'pending' and conversation <> '';
create index attempts_given_up on attempts (tenant_id, endpoint_id, event_id) where state = 'given_up';

-- Which facts the last report of a message told for the first time, as bits (messages/advance.ts): what an update returns is the new
-- row only, and an event is told once.
alter table messages add column news integer;

-- Of which low_since the tenant was told (billing/low-balance.ts).
alter table wallets add column low_told bigint;
