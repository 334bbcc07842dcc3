-- Contacts as a tenant keeps them: the number as it was given, attributes, language, time zone; former phones of merged contacts, and
-- imports that can be taken up again.
--
-- The columns may be null and cost nothing; original null means: as phone. The index keeps PostgreSQL from writing to contact_tags while
-- it is built, about a second per million rows; the other tables are new. The version before goes on reading id, phone and name.

alter table contacts add column original text;
-- JSON object of strings, numbers and booleans; null: none.
alter table contacts add column attributes text;
alter table contacts add column language text;
alter table contacts add column time_zone text;
-- null: never changed since created_at.
alter table contacts add column updated_at bigint;

-- Which tags a contact carries; the key finds the contacts of a tag.
create index contact_tags_by_contact on contact_tags (tenant_id, contact_id, tag_id);

-- The next id of a kind of row. Whoever writes contacts or tags holds the row of 'contacts' until it commits (tenants/counters.ts).
create table counters (
  tenant_id text not null,
  name text not null,
  next bigint not null,
  primary key (tenant_id, name)
);

-- Phones of contacts that were merged into another one, by which that one is still found.
create table former_phones (
  tenant_id text not null,
  phone text not null,
  contact_id bigint not null,
  primary key (tenant_id, phone)
);
create index former_phones_by_contact on former_phones (tenant_id, contact_id);

-- options: JSON of what the file was imported with. rows_read, last_line, digest: how far it is committed, and a hash over all of that,
-- by which the same file is known again. counts: JSON. finished_at: null while it goes on or was broken off.
create table contact_imports (
  tenant_id text not null,
  id text not null,
  requested_by text not null,
  options text not null,
  rows_read bigint not null,
  last_line bigint not null,
  digest text not null,
  counts text not null,
  started_at bigint not null,
  updated_at bigint not null,
  finished_at bigint,
  primary key (tenant_id, id)
);

-- Names no one: what is wrong is told by line and field, without the value.
create table contact_import_errors (
  tenant_id text not null,
  import_id text not null,
  line bigint not null,
  field text not null,
  message text not null,
  primary key (tenant_id, import_id, line)
);
