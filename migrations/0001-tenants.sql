-- What a tenant owns, and the few tables that are looked up before a tenant is known (api_keys by hash, number_directory by
-- Meta's id). Runs on SQLite and PostgreSQL alike. Locks nothing: the tables are new.

create table tenants (
  id text primary key,
  name text not null,
  created_at bigint not null
);

create table operator_keys (
  hash text primary key,
  name text not null,
  created_at bigint not null
);

create table api_keys (
  hash text primary key,
  tenant_id text not null,
  id text not null,
  name text not null,
  hint text not null,
  number_id bigint,
  created_at bigint not null,
  expires_at bigint,
  revoked_at bigint
);
create unique index api_keys_by_tenant on api_keys (tenant_id, id);

-- From an id that a caller or Meta names to the tenant it belongs to.
create table number_directory (
  number_id bigint primary key,
  tenant_id text not null,
  phone_number_id text not null unique,
  waba_id text not null
);
create index number_directory_by_waba on number_directory (waba_id);

-- status: connected | disconnected. access_token, app_secret and verify_token are sealed (platform/seal.ts).
create table numbers (
  tenant_id text not null,
  id bigint not null,
  phone_number_id text not null,
  waba_id text not null,
  display_number text not null,
  verified_name text not null,
  access_token text not null,
  app_secret text not null,
  verify_token text not null,
  status text not null,
  status_reason text,
  created_at bigint not null,
  updated_at bigint not null,
  primary key (tenant_id, id)
);

create table templates (
  tenant_id text not null,
  id bigint not null,
  waba_id text not null,
  meta_id text not null,
  name text not null,
  language text not null,
  category text not null,
  status text not null,
  parameter_format text not null,
  components text not null,
  synced_at bigint not null,
  primary key (tenant_id, id)
);
create unique index templates_by_meta_id on templates (tenant_id, waba_id, meta_id);
create index templates_by_name on templates (tenant_id, waba_id, name);

create table contacts (
  tenant_id text not null,
  id bigint not null,
  phone text not null,
  name text not null,
  created_at bigint not null,
  primary key (tenant_id, id)
);
create unique index contacts_by_phone on contacts (tenant_id, phone);

create table tags (
  tenant_id text not null,
  id bigint not null,
  name text not null,
  created_at bigint not null,
  primary key (tenant_id, id)
);

create table contact_tags (
  tenant_id text not null,
  tag_id bigint not null,
  contact_id bigint not null,
  primary key (tenant_id, tag_id, contact_id)
);
