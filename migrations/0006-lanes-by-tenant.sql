-- lanes gets the key that every tenant-owned table has, tenant_id first: on Citus a table is spread over machines by tenant only
-- if each of its unique keys begins there (docs/operating.md, "Beyond one primary"). That a number has one lane is still so: its
-- number_directory row has one tenant.
--
-- Locks lanes, from the rename to the commit, against reading and writing: milliseconds, one row per number. A running process of
-- the old version waits that long and then goes on with the new table, which has the same name and columns. The rename comes
-- first because it takes the lock: nothing can be written between the copy and the drop.
-- New is granted: how many moments the last booking took. An update returns only what it wrote, and accept has to know in the same
-- statement whether the lane was open (messages/pace.ts).
-- Not an ALTER of the key: SQLite has none.

alter table lanes rename to lanes_before_0006;
create table lanes (
  number_id bigint not null,
  tenant_id text not null,
  per_second integer not null,
  next_us bigint not null,
  due_at bigint,
  sweep_at bigint,
  paused_until bigint not null,
  bulk_paused_until bigint not null,
  granted bigint not null default 0,
  primary key (tenant_id, number_id)
);
insert into lanes (number_id, tenant_id, per_second, next_us, due_at, sweep_at, paused_until, bulk_paused_until)
  select number_id, tenant_id, per_second, next_us, due_at, sweep_at, paused_until, bulk_paused_until from lanes_before_0006;
drop table lanes_before_0006;
create index lanes_due on lanes (due_at) where due_at is not null;
create index lanes_sweep on lanes (sweep_at) where sweep_at is not null;
