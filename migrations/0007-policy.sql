-- Limits, the window, idempotency and money: what accept decides before a message is stored (messages/policy/). New tables lock
-- nothing; the new columns are null or constant, so that adding them rewrites no row and takes a moment's lock.

-- per_second, per_minute: null is the tenant's, and then the installation's default. powers: JSON, null is everything its tenant may
-- (tenants/key-powers.ts). former_…: the secret before the last rotation and until when it works; processes of the version before
-- know the new one only.
alter table api_keys add column per_second bigint;
alter table api_keys add column per_minute bigint;
alter table api_keys add column powers text;
alter table api_keys add column former_hash text;
alter table api_keys add column former_hint text;
alter table api_keys add column former_until bigint;
create index api_keys_by_former_hash on api_keys (former_hash) where former_hash is not null;

-- The last four characters, as API keys have them.
alter table operator_keys add column hint text;

-- billing: off | prepaid.
alter table tenants add column per_second bigint;
alter table tenants add column per_minute bigint;
alter table tenants add column billing text not null default 'off';

-- window_policy: check | meta. listening_since: when Meta's first webhook for the number came; before that nobody can know a window.
alter table numbers add column window_policy text not null default 'check';
alter table numbers add column listening_since bigint;

create index numbers_by_display_number on numbers (tenant_id, display_number);

-- Until when everything to this person is free: 72 hours from our first answer to one who came by an ad (cloud-api.md §8).
-- referred_at: when the person came, until that answer. names: JSON of all the names this person's windows stand under, null for one.
alter table windows add column free_until bigint;
alter table windows add column referred_at bigint;
alter table windows add column names text;

-- A key's uses, counted without end, and when each count was reached: the uses of the last second are the count now less the count a
-- second ago. That is the true sliding window, by two seeks.
create table key_meters (
  tenant_id text not null,
  key_id text not null,
  used bigint not null,
  last_at bigint not null,
  primary key (tenant_id, key_id)
);
create table key_uses (
  tenant_id text not null,
  key_id text not null,
  at bigint not null,
  upto bigint not null,
  primary key (tenant_id, key_id, at)
);

-- What a key with a cap per day used up on each. day: 2026-11-20, of UTC.
create table key_days (
  tenant_id text not null,
  key_id text not null,
  day text not null,
  messages bigint not null,
  micros bigint not null,
  primary key (tenant_id, key_id, day)
);

-- The first outcome of a send under a key of the caller's own, for 24 hours. message_ids: JSON.
create table idempotency_keys (
  tenant_id text not null,
  key text not null,
  fingerprint text not null,
  message_ids text not null,
  created_at bigint not null,
  primary key (tenant_id, key)
);
create index idempotency_keys_aging on idempotency_keys (tenant_id, created_at);

-- Integer micros of the installation's currency. Available is topped_up - charged - held. forgotten: of charged, what stood on
-- messages that retention has removed, so that the proof (billing/proof.ts) can still add up.
create table wallets (
  tenant_id text primary key,
  topped_up bigint not null,
  charged bigint not null,
  held bigint not null,
  forgotten bigint not null,
  low_below bigint,
  low_since bigint
);
create table top_ups (
  tenant_id text not null,
  id text not null,
  micros bigint not null,
  note text not null,
  made_by text not null,
  made_at bigint not null,
  primary key (tenant_id, id)
);

-- Meta's price of one delivered message. The installation's, not a tenant's. market: calling code digits, or *.
create table prices (
  market text not null,
  category text not null,
  valid_from bigint not null,
  micros bigint not null,
  primary key (market, category, valid_from)
);

create index wallets_low on wallets (low_since) where low_since is not null;

-- The message row is the sub-ledger (decision 7). fee: ours, price: Meta's, in micros; their states: null (no billing) | held |
-- charged | released. pricing: what Meta said of it, `regular <category>` or `free <category>`. priced_at: when the price was charged
-- or released. Held for long, and ended without having let go: what billing/charge.ts looks for; both indexes hold billed messages
-- only. Building them reads the table, about a second per million rows, in which PostgreSQL does not write to it.
alter table messages add column market text;
alter table messages add column category text;
alter table messages add column fee bigint;
alter table messages add column fee_state text;
alter table messages add column price bigint;
alter table messages add column price_state text;
alter table messages add column pricing text;
alter table messages add column priced_at bigint;
create index messages_held on messages (tenant_id, id) where price_state = 'held';
create index messages_unreleased on messages (tenant_id, id) where fee_state = 'held' and rank >= 90;

-- Who asked for no more marketing (state out), or for it again (in: kept, so that an older word which comes late changes nothing).
-- recipient: a name of the person, or hash:<keyed hash> of one once the person is erased. at: when it was asked. source: message |
-- meta | api. names: JSON of all the names this person's rows stand under, null for one.
create table opt_outs (
  tenant_id text not null,
  recipient text not null,
  state text not null default 'out',
  at bigint not null,
  source text not null,
  names text,
  primary key (tenant_id, recipient)
);

-- A tenant's own words for that, JSON by language; without a row the default ones.
create table opt_out_words (
  tenant_id text not null primary key,
  words text not null,
  updated_at bigint not null
);
