/**
 * Every setting, declared once: name, kind, default and a sentence. docs/configuration.md is written from this list
 * (`npm run docs`), and a test sees that it still matches.
 */
export type SettingKind =
  | 'text'
  | 'secret'
  | 'port'
  | 'url'
  | 'count'
  | 'milliseconds'
  | 'seconds'
  | 'days'
  | 'choice'
  | 'version'
  | 'micros'
  | 'currency'
  | 'networks'
  | 'secondsList';

export interface Setting {
  env: string;
  kind: SettingKind;
  default: string | null;
  choices?: readonly string[];
  about: string;
}

export const settings = {
  port: {
    env: 'PORT',
    kind: 'port',
    default: '3000',
    about: 'Port the gateway listens on; 0 takes any free one.',
  },
  host: {
    env: 'HOST',
    kind: 'text',
    default: '127.0.0.1',
    about: 'Address the gateway listens on. 0.0.0.0 opens it to the network; demo mode stays on loopback.',
  },
  simulatorPort: {
    env: 'SIMULATOR_PORT',
    kind: 'port',
    default: '4000',
    about: 'Port of the simulator of Meta in demo mode and for `wagate simulate`.',
  },
  dataFolder: {
    env: 'WAGATE_DATA',
    kind: 'text',
    default: 'data',
    about: 'Folder of the embedded database and of generated secrets.',
  },
  databaseUrl: {
    env: 'DATABASE_URL',
    kind: 'text',
    default: null,
    about: 'postgres://… uses PostgreSQL; unset uses the embedded SQLite database in WAGATE_DATA.',
  },
  databaseConnections: {
    env: 'WAGATE_DATABASE_CONNECTIONS',
    kind: 'count',
    default: '10',
    about: 'PostgreSQL connections one process may open, beside the one it listens on.',
  },
  databaseListenUrl: {
    env: 'DATABASE_LISTEN_URL',
    kind: 'text',
    default: null,
    about:
      'postgres://… of the same database for LISTEN alone; needed only where DATABASE_URL leads through a pooler in transaction mode.',
  },
  workers: {
    env: 'WAGATE_WORKERS',
    kind: 'count',
    default: '1',
    about:
      'Processes that `wagate serve` starts, one for each core it may use; more than 1 needs DATABASE_URL.',
  },
  mode: {
    env: 'WAGATE_MODE',
    kind: 'choice',
    choices: ['auto', 'demo', 'live'],
    default: 'auto',
    about:
      'auto starts in demo mode until a number with Meta credentials has been added; demo and live force it.',
  },
  masterKey: {
    env: 'WAGATE_MASTER_KEY',
    kind: 'secret',
    default: null,
    about:
      'Key that seals access tokens and secrets at rest: 32 bytes as 64 hex digits or base64. Unset: a file of mode 0600 is generated in WAGATE_DATA.',
  },
  operatorKey: {
    env: 'WAGATE_OPERATOR_KEY',
    kind: 'secret',
    default: null,
    about:
      'Operator key (at least 24 characters) that manages tenants, numbers and keys; `wagate operator create` makes one instead.',
  },
  publicUrl: {
    env: 'WAGATE_PUBLIC_URL',
    kind: 'url',
    default: null,
    about:
      "Where Meta reaches this gateway from outside; set, adding a number points its account's webhooks here.",
  },
  graphUrl: {
    env: 'META_GRAPH_URL',
    kind: 'url',
    default: 'https://graph.facebook.com',
    about: 'Base URL of the Graph API or of any Cloud API work-alike.',
  },
  graphVersion: {
    env: 'META_GRAPH_VERSION',
    kind: 'version',
    default: 'v25.0',
    about: 'Graph API version segment used upstream.',
  },
  metaTimeoutMs: {
    env: 'META_TIMEOUT_MS',
    kind: 'milliseconds',
    default: '30000',
    about: 'How long one request to Meta may take before its outcome is called uncertain.',
  },
  answerTimeoutMs: {
    env: 'WAGATE_ANSWER_TIMEOUT_MS',
    kind: 'milliseconds',
    default: '15000',
    about:
      'How long a caller of a synchronous dialect waits for Meta before it is told that the message is kept.',
  },
  messageTtlSeconds: {
    env: 'WAGATE_MESSAGE_TTL',
    kind: 'seconds',
    default: '36000',
    about: 'How long a message may wait to be sent before it expires.',
  },
  uncertainSeconds: {
    env: 'WAGATE_UNCERTAIN_TTL',
    kind: 'seconds',
    default: '86400',
    about: 'How long an uncertain message waits for word from Meta before it ends as failed.',
  },
  bodyLimitBytes: {
    env: 'WAGATE_BODY_LIMIT',
    kind: 'count',
    default: '1048576',
    about: "Largest request body in bytes (Meta's webhooks may always be 4 MiB).",
  },
  maxInFlight: {
    env: 'WAGATE_MAX_IN_FLIGHT',
    kind: 'count',
    default: '512',
    about: 'Requests to Meta one process keeps open at once.',
  },
  maxWaiting: {
    env: 'WAGATE_MAX_WAITING',
    kind: 'count',
    default: '10000',
    about: "Requests one process holds at once before it answers 503; of Meta's webhooks, updates.",
  },
  keyPerSecond: {
    env: 'WAGATE_KEY_PER_SECOND',
    kind: 'count',
    default: null,
    about:
      'Requests per second of an API key, where neither the key nor its tenant sets it. Unset: 80, at the doors of Connectly 200.',
  },
  keyPerMinute: {
    env: 'WAGATE_KEY_PER_MINUTE',
    kind: 'count',
    default: null,
    about:
      'Requests per minute of an API key, where neither the key nor its tenant sets it. Unset: 4800, at the doors of Connectly 12000.',
  },
  trustedProxies: {
    env: 'WAGATE_TRUSTED_PROXIES',
    kind: 'networks',
    default: null,
    about:
      "Addresses of the proxies in front, as 10.0.0.0/8,192.0.2.7: only their X-Forwarded-For is believed, for keys' lists of addresses.",
  },
  platformFeeMicros: {
    env: 'WAGATE_PLATFORM_FEE_MICROS',
    kind: 'micros',
    default: '1000',
    about:
      'What a prepaid tenant pays for each message that Meta accepted, beside the price of Meta, in millionths of the currency: 1000 is 0.001; 0 for none.',
  },
  currency: {
    env: 'WAGATE_CURRENCY',
    kind: 'currency',
    default: 'USD',
    about:
      'The one currency of all balances and prices, as three letters. Changing it converts nothing: decide before the first top-up.',
  },
  keepBodiesDays: {
    env: 'WAGATE_KEEP_BODIES_DAYS',
    kind: 'days',
    default: '90',
    about:
      'How long the content of a message and its tries are kept, from when it was last due; 0 for ever. The message itself stays.',
  },
  keepMessagesDays: {
    env: 'WAGATE_KEEP_MESSAGES_DAYS',
    kind: 'days',
    default: '0',
    about: 'How long a message is kept at all once it has ended; 0 for ever.',
  },
  keepIncomingDays: {
    env: 'WAGATE_KEEP_INCOMING_DAYS',
    kind: 'days',
    default: '90',
    about:
      'How long incoming messages, closed windows and kept webhook changes are kept; 0 for ever. What remains of them names nobody.',
  },
  webhookAllowNetworks: {
    env: 'WAGATE_WEBHOOK_ALLOW_NETWORKS',
    kind: 'networks',
    default: null,
    about:
      "Private networks that customers' endpoints may be in, as 10.1.0.0/16,192.0.2.7; http:// is allowed there too. Demo mode allows loopback.",
  },
  webhookAllowHttp: {
    env: 'WAGATE_WEBHOOK_ALLOW_HTTP',
    kind: 'choice',
    choices: ['true', 'false'],
    default: 'false',
    about:
      'Whether endpoints at public addresses may be http://: whoever listens on the way reads everything.',
  },
  webhookTimeoutMs: {
    env: 'WAGATE_WEBHOOK_TIMEOUT_MS',
    kind: 'milliseconds',
    default: '15000',
    about: 'How long one POST to an endpoint may take in all, from connecting to the end of the answer.',
  },
  webhookRetrySeconds: {
    env: 'WAGATE_WEBHOOK_RETRY_SECONDS',
    kind: 'secondsList',
    default: '5,300,1800,7200,18000,36000,50400,72000,86400',
    about:
      'Pauses between the attempts to post one event, each give or take a fifth; after the last attempt it is given up. The default is that of the Standard Webhooks specification.',
  },
  webhookDisableAfterHours: {
    env: 'WAGATE_WEBHOOK_DISABLE_AFTER_HOURS',
    kind: 'count',
    default: '120',
    about: 'An endpoint at which every attempt failed for so long is disabled; its events are kept.',
  },
  logLevel: {
    env: 'WAGATE_LOG_LEVEL',
    kind: 'choice',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'silent'],
    default: 'info',
    about: 'Least severe log line that is written. Bodies are only written at trace; tokens never.',
  },
  logFile: {
    env: 'WAGATE_LOG_FILE',
    kind: 'text',
    default: null,
    about: 'File for the log. Unset: standard output, in demo mode wagate.log in WAGATE_DATA.',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;
