-- The same index under a condition that only who looks for what expires names. Under the old one PostgreSQL also found the head of a
-- number's queue by it, which reads all that the number has queued, whenever it believed that little is: until the table is analyzed,
-- and after every sudden broadcast (bench/NOTES.md).
--
-- Building it reads messages, about a second per million rows, in which PostgreSQL does not write to it; it holds waiting messages
-- only. The drop waits for nobody then. A process of the version before works on without it: what it expires it finds by messages_queue.

create index messages_expiring on messages (tenant_id, number_id, expires_at) where rank = 0 and expires_at > 0;
drop index messages_expiry;
