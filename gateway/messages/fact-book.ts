/** What a message is, for changes that only name it: many at once, remembered for a while. */
import type { Sql } from '../platform/database.ts';
import type { Change } from './feed.ts';

export interface Facts {
  number: number;
  dialect: string;
  type: string;
  recipient: string;
}

export interface FactBook {
  /** The facts of the changes' messages by message id. All changes are of one tenant. */
  of(tenantId: string, changes: Change[]): Promise<Map<string, Facts>>;
}

const rememberedMax = 10_000;

export function createFactBook(sql: Sql): FactBook {
  const remembered = new Map<string, Facts>();
  return {
    async of(tenantId, changes) {
      const ids = [...new Set(changes.map(({ id }) => id))];
      const facts = new Map<string, Facts>();
      const unknown: string[] = [];
      for (const id of ids) {
        const known = remembered.get(id);
        if (known === undefined) unknown.push(id);
        else facts.set(id, known);
      }
      if (unknown.length > 0) {
        for (const { id, ...found } of await lookUp(sql, tenantId, unknown)) {
          if (remembered.size >= rememberedMax) remembered.delete(remembered.keys().next().value!);
          remembered.set(id, found);
          facts.set(id, found);
        }
      }
      return facts;
    },
  };
}

async function lookUp(sql: Sql, tenantId: string, ids: string[]): Promise<(Facts & { id: string })[]> {
  return sql.all<Facts & { id: string }>(
    `select id, number_id as number, dialect, type, recipient from messages
     where tenant_id = $1 and one_of(id, select value ->> 'id' from json_rows($2))`,
    [tenantId, JSON.stringify(ids.map(id => ({ id })))],
  );
}
