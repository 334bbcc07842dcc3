/** Everything that can be turned while it runs; PUT /control/settings, for all accounts or for one. */
export type Settings = {
  /** Milliseconds after acceptance; null = that status never comes. */
  delays: { sent: number | null; delivered: number | null; read: number | null };
  /** Most updates in one POST; Meta goes up to 1,000. */
  batch: number;
  /** How updates share a POST: in one value, as several changes, or as several entries. */
  batchShape: 'values' | 'changes' | 'entries';
  /** Every webhook is sent this many times. */
  duplicate: number;
  /** Each update is put off by a random time up to shuffleMs, so that they overtake each other. */
  shuffle: boolean;
  shuffleMs: number;
  /** Hold all webhooks; false lets them go at once, with `shuffle` in any order. */
  paused: boolean;
  /** Non-ASCII as \uXXXX before signing, as Meta does. */
  escape: boolean;
  /** Most POSTs under way at once, for each account. */
  concurrency: number;
  retryBaseMs: number;
  retryMaxMs: number;
  /** An update older than this is dropped (Meta: 7 days). */
  maxAgeMs: number;
  webhookTimeoutMs: number;
  /** A number without + is taken as it is, or gets the business number's country code (the documented reading). */
  dialling: 'lenient' | 'strict';
  /** Which of Meta's limits hold (limits/). */
  enforce: { throughput: boolean; pair: boolean; window: boolean; portfolio: boolean; marketing: boolean };
  /** One message for each such time to one user, and up to pairBurst within it, borrowed. */
  pairEveryMs: number;
  pairBurst: number;
  /** How long what a phone writes opens the customer service window. */
  windowMs: number;
  /** The moving time in which a portfolio's unique users are counted. */
  portfolioMs: number;
  /** Marketing templates to one user on one day (UTC), of all businesses, outside the window. */
  marketingPerDay: number;
  /** How 131048 is told: in the answer, or by a failed status. */
  spamAs: 'error' | 'failed';
  /** Numbers that are not on WhatsApp: digits, or a beginning with *. */
  unknown: string[];
  /** And this share of all others, 0 to 1; which ones follows from the number. */
  unknownShare: number;
};

const defaultSettings: Settings = {
  delays: { sent: 50, delivered: 150, read: 400 },
  batch: 1,
  batchShape: 'values',
  duplicate: 1,
  shuffle: false,
  shuffleMs: 400,
  paused: false,
  escape: true,
  concurrency: 16,
  retryBaseMs: 1000,
  retryMaxMs: 60_000,
  maxAgeMs: 7 * 24 * 3600 * 1000,
  webhookTimeoutMs: 10_000,
  dialling: 'lenient',
  // Whoever tries things out writes to one phone again and again, and would soon wait for minutes.
  enforce: { throughput: true, pair: false, window: true, portfolio: true, marketing: true },
  pairEveryMs: 6000,
  pairBurst: 45,
  windowMs: 24 * 3600 * 1000,
  portfolioMs: 24 * 3600 * 1000,
  marketingPerDay: 10,
  spamAs: 'error',
  unknown: [],
  unknownShare: 0,
};

export type SettingsPatch = Partial<Omit<Settings, 'delays' | 'enforce'>> & {
  delays?: Partial<Settings['delays']>;
  enforce?: Partial<Settings['enforce']>;
};
export type SettingsBook = ReturnType<typeof createSettings>;

export function createSettings(initial: SettingsPatch = {}) {
  const start = merge(defaultSettings, initial);
  let general = start;
  const patches = new Map<string, SettingsPatch>();
  const merged = new Map<string, Settings>();

  return {
    general: () => general,
    of(wabaId: string): Settings {
      const patch = patches.get(wabaId);
      if (!patch) return general;
      let found = merged.get(wabaId);
      if (!found) {
        found = merge(general, patch);
        merged.set(wabaId, found);
      }
      return found;
    },
    change(patch: SettingsPatch, wabaId?: string): void {
      merged.clear();
      if (wabaId === undefined) {
        general = merge(general, patch);
        return;
      }
      const before = patches.get(wabaId);
      patches.set(wabaId, {
        ...{ ...before, ...patch },
        delays: { ...before?.delays, ...patch.delays },
        enforce: { ...before?.enforce, ...patch.enforce },
      });
    },
    clear(): void {
      general = start;
      patches.clear();
      merged.clear();
    },
  };
}

function merge(base: Settings, patch: SettingsPatch): Settings {
  return {
    ...{ ...base, ...patch },
    delays: { ...base.delays, ...patch.delays },
    enforce: { ...base.enforce, ...patch.enforce },
  };
}
