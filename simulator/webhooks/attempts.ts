export type Attempt = {
  at: number;
  wabaId: string;
  url: string;
  body: string;
  signature: string;
  updates: number;
  attempt: number;
  status: number | null;
  error: string | null;
  ms: number;
};

export type Attempts = ReturnType<typeof createAttempts>;

const mostAttempts = 1000;
const mostBytes = 32 * 1024 * 1024;

/** The last webhooks as they were on the wire, bounded in number and in size. */
export function createAttempts() {
  let ring: Attempt[] = [];
  let bytes = 0;

  return {
    add(attempt: Attempt): void {
      ring.push(attempt);
      bytes += attempt.body.length;
      if (ring.length < mostAttempts * 2 && bytes < mostBytes) return;
      let from = Math.max(0, ring.length - mostAttempts);
      let left = ring.slice(from).reduce((sum, { body }) => sum + body.length, 0);
      while (left > mostBytes / 2 && from < ring.length - 1) {
        left -= ring[from]?.body.length ?? 0;
        from += 1;
      }
      ring = ring.slice(from);
      bytes = left;
    },
    /** Newest first. */
    list: (limit: number, wabaId?: string) =>
      ring
        .filter(attempt => !wabaId || attempt.wabaId === wabaId)
        .reverse()
        .slice(0, limit),
    clear(): void {
      ring = [];
      bytes = 0;
    },
  };
}
