-- The processes that work on this database, so that what a dead one held is taken over. Locks nothing: the table is new.

create table processes (
  id text primary key,
  place text not null,
  pid bigint not null,
  beat bigint not null,
  started_at bigint not null
);
