/** How long each thing is kept, read from the settings. */
import type { Config } from '../platform/config.ts';

/** In ms; null: for ever. */
export interface Keeping {
  bodiesMs: number | null;
  messagesMs: number | null;
  incomingMs: number | null;
}

const dayMs = 86_400_000;

export function keepingOf(
  config: Pick<Config, 'keepBodiesDays' | 'keepMessagesDays' | 'keepIncomingDays'>,
): Keeping {
  const ms = (days: number) => (days === 0 ? null : days * dayMs);
  return {
    bodiesMs: ms(config.keepBodiesDays),
    messagesMs: ms(config.keepMessagesDays),
    incomingMs: ms(config.keepIncomingDays),
  };
}
