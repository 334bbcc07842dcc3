-- What Meta tells of accounts, templates and numbers (inbound/assets.ts). New columns are null and rewrite no row; both tables are
-- small and locked for a moment. meta_words is new and locks nothing.

-- quality: GREEN | YELLOW | RED | UNKNOWN. reason: why Meta rejected or paused it. told_at: when a webhook last changed the row, by our
-- clock: a list that was asked for before is older.
alter table templates add column quality text;
alter table templates add column reason text;
alter table templates add column told_at bigint;

-- messaging_limit: TIER_250 … TIER_UNLIMITED, as Meta says it.
alter table numbers add column quality text;
alter table numbers add column messaging_limit text;

-- The time (of Meta's) of the latest word on each state of a thing, for words come late and out of order. subject: what and which state.
create table meta_words (
  tenant_id text not null,
  subject text not null,
  at bigint not null,
  primary key (tenant_id, subject)
);
