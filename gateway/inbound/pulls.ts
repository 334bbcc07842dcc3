/** Templates pulled because Meta told of something that its list says better: after the answer to Meta, one pull per account at a time. */
import { isRefusal } from '../canonical/refusal.ts';
import type { Log } from '../platform/log.ts';
import type { NumberBook } from '../tenants/number-book.ts';
import type { TemplateBook } from '../tenants/template-book.ts';

export interface Pulls {
  /** Through this number, for its tenant. A pull that has begun may have missed what asks for one: another follows it. */
  ask(numberId: number): void;
  /** Resolves when none is under way. */
  idle(): Promise<void>;
}

export function createPulls(deps: {
  numbers: Pick<NumberBook, 'byId'>;
  templates: Pick<TemplateBook, 'pull'>;
  log: Log;
}): Pulls {
  const { numbers, templates, log } = deps;
  const running = new Map<number, Promise<void>>();
  const asked = new Set<number>();

  async function pull(numberId: number): Promise<void> {
    try {
      const number = await numbers.byId(numberId);
      if (number === undefined) return;
      const pulled = await templates.pull(number);
      // The next send of a template that is not known, or not approved, pulls again (tenants/template-book.ts).
      if (isRefusal(pulled))
        log.warn({ number: numberId, refusal: pulled.code }, 'templates could not be pulled');
    } catch (error) {
      log.error({ err: error, number: numberId }, 'templates could not be pulled');
    }
  }

  async function run(numberId: number): Promise<void> {
    while (asked.delete(numberId)) await pull(numberId);
    running.delete(numberId);
  }

  return {
    ask(numberId) {
      asked.add(numberId);
      if (!running.has(numberId)) running.set(numberId, run(numberId));
    },
    async idle() {
      while (running.size > 0) await Promise.all(running.values());
    },
  };
}
