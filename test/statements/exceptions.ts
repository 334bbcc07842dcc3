/**
 * The statements that may touch a tenant-owned table without naming a tenant, each with its reason. One that no statement of a
 * whole test run needs any more fails that run.
 */
export interface Exception {
  /** Matches the whole statement, white space single and parameters as $n. */
  statement: RegExp;
  reason: string;
}

export const exceptions: Exception[] = [
  {
    statement:
      /^select [\w,. ]+ from api_keys k left join tenants t on t\.id = k\.tenant_id where k\.hash = \$1 or k\.former_hash = \$1$/,
    reason: 'the key in the request is what tells the tenant',
  },
  {
    statement: /^select [\w, ()]+ from number_directory\b(?! where tenant_id)/,
    reason: "from a number's id, or Meta's, to its tenant; only ids are in it",
  },
  {
    statement: /^select number_id, tenant_id from lanes where due_at is not null and due_at <= \$1/,
    reason:
      'the scheduler looks for lanes that are due, whoever owns them; all it does next names the tenant',
  },
  {
    statement: /^select number_id, tenant_id from lanes where sweep_at is not null and sweep_at <= \$1/,
    reason: 'the sweeper looks for lanes with claims to look after, whoever owns them',
  },
  {
    statement: /^select tenant_id from retention where due_at <= \$1 and held_until <= \$1/,
    reason: 'retention looks for tenants whose turn has come; all it does next names the tenant',
  },
  {
    statement: /^select tenant_id, endpoint_id from endpoint_states where held_by = \$1 and/,
    reason: 'a process asks which endpoints it holds, whoever owns them; only ids are told',
  },
  {
    statement:
      /^select tenant_id, endpoint_id from endpoint_states where \(tenant_id, endpoint_id\) > \(\$1, \$2\) order by/,
    reason: 'where a page of the look-up of due endpoints ends',
  },
  {
    statement: /^select s\.tenant_id, s\.endpoint_id from endpoint_states s join endpoints e on/,
    reason:
      'the notifier looks for endpoints with something to post, whoever owns them; all it does next names the tenant',
  },
  {
    statement: /^select tenant_id, id from broadcasts where due_at is not null and due_at <= \$1 and/,
    reason:
      'the feeder looks for broadcasts that are due, whoever owns them; all it does next names the tenant',
  },
  {
    statement:
      /^select tenant_id from wallets where low_since is not null and \(low_told is null or low_told <> low_since\)$/,
    reason: 'looks for balances that have become low, whoever owns them; all it does next names the tenant',
  },
  {
    statement:
      /^insert into retention \([\w, ]+\) select id, [^;]+ from tenants where true on conflict do nothing$/,
    reason: 'gives every tenant its row',
  },
  {
    statement:
      /^select (count\(\*\) as n|1 as one|"[\w", ]+") from "\w+"( where \("[\w", ]+\) > \([?$\d, ]+\))?( order by ["\w, ]+)?( limit [\w$?]+)?$/,
    reason: '`wagate move` copies whole tables, all tenants of an installation, and counts them',
  },
  {
    statement:
      /^insert into "\w+" \(["\w, ]+\) select \(?value ->> 0\b.* from jsonb_array_elements\(\$1::jsonb\)$/,
    reason: '`wagate move` writes what it copied, every row with its tenant',
  },
  {
    statement: /^declare digests no scroll cursor for select encode\(sha256\(.*'hex'\) as digest from "\w+"$/,
    reason: '`wagate move` compares the checksums of whole tables',
  },
  {
    statement: /^insert into lanes \([\w, ]+\) select [\w, ]+ from lanes_before_0006$/,
    reason: 'migration 0006 copies the table, every row with its tenant',
  },
];
