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
};

export type SettingsPatch = Partial<Omit<Settings, 'delays'>> & { delays?: Partial<Settings['delays']> };
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
      patches.set(wabaId, { ...before, ...patch, delays: { ...before?.delays, ...patch.delays } });
    },
    clear(): void {
      general = start;
      patches.clear();
      merged.clear();
    },
  };
}

function merge(base: Settings, patch: SettingsPatch): Settings {
  return { ...base, ...patch, delays: { ...base.delays, ...patch.delays } };
}

const counts: Partial<Record<string, [min: number, max: number]>> = {
  batch: [1, 1000],
  duplicate: [1, 100],
  shuffleMs: [0, 3_600_000],
  concurrency: [1, 1000],
  retryBaseMs: [0, 3_600_000],
  retryMaxMs: [0, 86_400_000],
  maxAgeMs: [0, 30 * 86_400_000],
  webhookTimeoutMs: [1, 600_000],
};
const words: Partial<Record<string, readonly string[]>> = {
  batchShape: ['values', 'changes', 'entries'],
  dialling: ['lenient', 'strict'],
};
const switches = ['shuffle', 'paused', 'escape'];

/** What is wrong with a patch, or undefined when nothing is. */
export function patchFault(patch: Record<string, unknown>): string | undefined {
  for (const [key, value] of Object.entries(patch)) {
    if (key === 'delays') {
      const fault = delaysFault(value);
      if (fault) return fault;
      continue;
    }
    const range = counts[key];
    if (range) {
      if (!isWhole(value) || value < range[0] || value > range[1]) {
        return `${key} must be a whole number from ${range[0]} to ${range[1]}`;
      }
    } else if (words[key]) {
      if (!words[key].includes(String(value))) return `${key} must be one of ${words[key].join(', ')}`;
    } else if (!switches.includes(key)) {
      return `there is no setting ${key}`;
    } else if (typeof value !== 'boolean') {
      return `${key} must be true or false`;
    }
  }
  return undefined;
}

function delaysFault(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'delays must be an object';
  for (const [status, delay] of Object.entries(value)) {
    if (!['sent', 'delivered', 'read'].includes(status)) return `there is no delay for ${status}`;
    if (delay !== null && (!isWhole(delay) || delay < 0 || delay > 7 * 86_400_000)) {
      return `delays.${status} must be milliseconds or null`;
    }
  }
  return undefined;
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value);
}
