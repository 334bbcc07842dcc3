/** The check that judges the statements of a test run: what it must catch, and what it must let pass. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { checkStatement } from './check.ts';

const owned = new Set(['messages', 'lanes', 'numbers', 'tries']);

const caught: [what: string, text: string, problem: RegExp][] = [
  ['no condition', 'select id from messages', /messages is read or written without its tenant/],
  ['another column', 'select id from messages where id = $1', /messages/],
  ['only in a comment', 'select id from messages /* where tenant_id = $1 */ where id = $1', /messages/],
  ['only in a string', `select id from messages where body = 'tenant_id = $1'`, /messages/],
  ['a range, not one', 'select id from messages where tenant_id > $1', /messages/],
  ['a list', 'select id from messages where tenant_id = any($1)', /messages/],
  ['itself', 'select id from messages m where m.tenant_id = m.tenant_id', /messages m/],
  ['an OR beside it', 'select id from messages where tenant_id = $1 or id = $2', /messages/],
  ['a NOT before it', 'select id from messages where not tenant_id = $1', /messages/],
  [
    'within a CASE',
    'select id from messages where case when id = $2 and tenant_id = $1 and true then 1 else 1 end = 1',
    /messages/,
  ],
  [
    'a subquery',
    'select id from messages where tenant_id = $1 and exists (select 1 from tries where message_id = $2)',
    /tries/,
  ],
  ['a subquery of the list', 'select (select max(n) from tries) from messages where tenant_id = $1', /tries/],
  ['a derived table', 'select * from (select id from messages) m', /messages/],
  [
    'a CTE',
    'with due as materialized (select id from messages where rank = 0) select id from due',
    /messages/,
  ],
  [
    'one half of a union',
    'select id from messages where tenant_id = $1 union all select message_id from tries',
    /tries/,
  ],
  [
    'a join by id only',
    'select n.id from numbers n join lanes l on l.number_id = n.id where n.tenant_id = $1',
    /lanes l/,
  ],
  [
    'a join by comma',
    'select n.id from numbers n, lanes l where n.tenant_id = $1 and l.number_id = n.id',
    /lanes l/,
  ],
  [
    'the kept side of an outer join',
    'select n.id from numbers n left join lanes l on n.tenant_id = $1 and l.tenant_id = $1',
    /numbers n/,
  ],
  [
    'a full join',
    'select n.id from numbers n full join lanes l on n.tenant_id = $1 and l.tenant_id = $1',
    /numbers n.*lanes l|numbers n/s,
  ],
  [
    'a bare name that could be of both',
    'select 1 from numbers n join lanes l on l.number_id = n.id where tenant_id = $1',
    /numbers n/,
  ],
  [
    'an update from rows with tenants of their own',
    `with s as materialized (select value ->> 't' as tenant_id, value ->> 'id' as id from json_rows($1))
     update messages set rank = 1 from s where messages.tenant_id = s.tenant_id and messages.id = s.id`,
    /messages/,
  ],
  [
    'an update by id from a CTE',
    'with s as (select $1 as id) update messages set rank = 1 from s where messages.id = s.id',
    /messages/,
  ],
  [
    'an update whose subquery is open',
    'update lanes set due_at = (select min(due_at) from messages where number_id = $2) where tenant_id = $1',
    /messages/,
  ],
  ['a delete', 'delete from messages where id = $1', /messages/],
  [
    'a delete by a subquery',
    'delete from messages where id in (select message_id from tries where tenant_id = $1)',
    /messages/,
  ],
  ['an insert without it', 'insert into messages (id) values ($1)', /without tenant_id/],
  ['an insert without columns', 'insert into messages values ($1, $2)', /without tenant_id/],
  [
    'an insert of what a row says',
    `insert into messages (tenant_id, id) select value ->> 't', value ->> 'id' from json_rows($1)`,
    /no parameter/,
  ],
  [
    'the second row of an insert',
    'insert into messages (id, tenant_id) values ($1, $2), ($3, lower($4))',
    /no parameter/,
  ],
  [
    'an insert from another table',
    'insert into tries (tenant_id, message_id) select $1, id from messages',
    /messages/,
  ],
  ['a row that moves', 'update messages set tenant_id = $2 where tenant_id = $1', /another tenant/],
  [
    'two tenants',
    'select 1 from messages m join tries t on t.message_id = m.id where m.tenant_id = $1 and t.tenant_id = $2',
    /several tenants: \$1, \$2/,
  ],
  ['a name in quotes and a schema', 'select id from public."messages" where id = $1', /messages/],
  ['the second of two statements', 'select 1; delete from messages', /messages/],
  ['what it explains', 'explain (analyze) select id from messages', /messages/],
  ['a star', 'select * from messages where tenant_id = $1', /reads \* of messages/],
  [
    'a star of one of two',
    'select n.*, l.due_at from numbers n join lanes l on l.tenant_id = n.tenant_id where n.tenant_id = $1',
    /reads \* of numbers/,
  ],
  ['what it does not know', 'truncate messages', /not understood/],
  ['COPY', 'copy messages to stdout', /not understood/],
  ['a table made of one', 'create table copy as select id from messages', /messages/],
];

const passed: [what: string, text: string][] = [
  ['plain', 'select id from messages where tenant_id = $1 and id = $2 order by id limit 5'],
  ["SQLite's parameters", 'select id from messages where tenant_id = ?1 and id = ?2'],
  [
    'turned round, cast, in parentheses',
    'select id from messages where (id = $2 and (cast($1 as text) = tenant_id))',
  ],
  ['a row', 'select id from messages where (tenant_id, id) = ($1, $2)'],
  ['an OR in parentheses beside it', 'select id from messages where tenant_id = $1 and (id = $2 or id = $3)'],
  [
    'a comparison with FROM in it',
    'select id from messages where error is distinct from $2 and tenant_id = $1',
  ],
  [
    'through a join',
    'select n.id from numbers n join lanes l on l.number_id = n.id and l.tenant_id = n.tenant_id where n.tenant_id = $1',
  ],
  [
    'joined USING',
    'select 1 from numbers n join lanes l using (tenant_id, number_id) where n.tenant_id = $1',
  ],
  [
    'the other side of an outer join',
    'select 1 from numbers n left join lanes l on l.tenant_id = n.tenant_id where n.tenant_id = $1',
  ],
  [
    'a subquery bound by the outer row',
    'select id from messages m where m.tenant_id = $1 and exists (select 1 from tries t where t.tenant_id = m.tenant_id)',
  ],
  ['a CTE named like a table', 'with messages as (select $1 as id) select id from messages'],
  [
    'an update from rows',
    `with s as materialized (select value ->> 'id' as id from jsonb_array_elements($2::jsonb))
     update messages set rank = s.rank from s where messages.tenant_id = $1 and messages.id = s.id returning messages.id`,
  ],
  ['an alias', 'update messages as m set rank = 1 where m.tenant_id = $1'],
  [
    'insert values',
    'insert into messages (id, tenant_id) values ($1, $2), ($3, $2) on conflict (tenant_id, id) do update set rank = excluded.rank where messages.rank < $4',
  ],
  [
    'insert select',
    `insert into messages (tenant_id, id) select $1, value ->> 'id' from json_rows($2) where true on conflict do nothing returning id`,
  ],
  [
    'insert from a bound table',
    'insert into tries (tenant_id, message_id) select m.tenant_id, m.id from messages m where m.tenant_id = $1',
  ],
  [
    'delete',
    `delete from messages where tenant_id = $1 and id in (select value ->> 'id' from json_rows($2))`,
  ],
  ['nobody’s table', 'select id from processes where id <> $1'],
  ['the schema', 'create index messages_x on messages (tenant_id, id) where rank = 0'],
  [
    'a count, a product and a star of a subquery',
    'select count(*), rank * 2, s.* from (select rank from messages where tenant_id = $1) s, tries t where t.tenant_id = $1',
  ],
  ['a transaction', 'begin'],
  ['a lock', 'select id from messages where tenant_id = $1 for update skip locked'],
];

describe('caught', () => {
  for (const [what, text, problem] of caught)
    test(what, () => assert.match(checkStatement(text, owned).problems.join('\n'), problem));
});

describe('passed', () => {
  for (const [what, text] of passed)
    test(what, () => assert.deepEqual(checkStatement(text, owned).problems, []));
});

test('tables are told wherever they stand', () => {
  const { tables } = checkStatement(
    `with a as (select 1 from messages where tenant_id = $1) select (select max(id) from processes)
     from a join (numbers n join lanes l on l.tenant_id = n.tenant_id) on n.tenant_id = $1`,
    owned,
  );
  assert.deepEqual([...tables].sort(), ['lanes', 'messages', 'numbers', 'processes']);
});
