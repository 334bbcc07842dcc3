import Fastify, { type FastifyInstance } from 'fastify';
import { type AccountSpec, createAccounts } from './accounts.ts';
import { type Now, steadyNow } from './clock.ts';
import { registerAccounts } from './control/accounts.ts';
import { registerBehaviour } from './control/behaviour.ts';
import { registerNumbers } from './control/numbers.ts';
import { registerPhones } from './control/phones.ts';
import { registerReceived } from './control/received.ts';
import { registerTold } from './control/told.ts';
import { createFaults } from './faults.ts';
import { createAccess } from './graph/access.ts';
import { registerBodies } from './graph/body.ts';
import { answerErrors } from './graph/errors.ts';
import { registerObjects } from './graph/objects.ts';
import { registerSend } from './graph/send.ts';
import { registerSubscribedApps } from './graph/subscribed-apps.ts';
import { createIdle } from './idle.ts';
import { createIncoming } from './incoming.ts';
import { createLedger } from './ledger.ts';
import { createLife } from './life.ts';
import { createLimits } from './limits/limits.ts';
import { createPhones } from './phones.ts';
import { seedAccount } from './seed.ts';
import { createSettings, type SettingsPatch } from './settings.ts';
import { createTally } from './tally.ts';
import { createTimeline } from './timeline.ts';
import { createAttempts } from './webhooks/attempts.ts';
import { createDelivery } from './webhooks/delivery.ts';
import { createPoster } from './webhooks/poster.ts';

export type SimulatorOptions = {
  /** 0 = any free port. */
  port?: number;
  host?: string;
  accounts?: AccountSpec[];
  settings?: SettingsPatch;
  /** Accepted messages kept for GET /control/received. */
  keepReceived?: number;
  /** Updates kept in memory on their way to callbacks; more are dropped and counted. */
  maxPending?: number;
  /** Clock of the limits and of what is counted by the second. */
  now?: Now;
};

export type Simulator = { url: string; port: number; close: () => Promise<void> };

/** Meta, played by us: everything is made here, and closed here. */
export async function createSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const accounts = createAccounts(options.accounts ?? [seedAccount]);
  const settings = createSettings(options.settings);
  const timeline = createTimeline();
  const idle = createIdle();
  const now = options.now ?? steadyNow;
  const tally = createTally(now);
  const ledger = createLedger(options.keepReceived ?? 250_000, tally);
  const phones = createPhones();
  const limits = createLimits({ settings, phones, tally, now });
  const faults = createFaults();
  const attempts = createAttempts();
  const poster = createPoster();
  const load = { pending: 0, most: options.maxPending ?? 500_000 };
  const delivery = createDelivery({ accounts, settings, timeline, idle, attempts, poster, load });
  const life = createLife({ settings, timeline, idle, ledger, phones, delivery });
  const incoming = createIncoming({ phones, limits, delivery });
  const access = createAccess(accounts);
  const closing = new AbortController();

  function reset(): void {
    // Deliveries first: an answer under way then belongs to a closed outbox and counts for nothing.
    delivery.clear();
    const parts = [timeline, accounts, settings, ledger, phones, limits, faults, attempts, idle];
    for (const part of parts) part.clear();
  }

  const app = createServer();
  await registerBodies(app);
  answerErrors(app);
  registerSend(app, { access, faults, ledger, life, limits, phones, settings, closing: closing.signal });
  registerSubscribedApps(app, access, poster);
  registerObjects(app, access);
  registerAccounts(app, accounts);
  registerReceived(app, { ledger, delivery, attempts, idle });
  registerTold(app, { accounts, ledger, life, delivery });
  registerPhones(app, { accounts, phones, limits, incoming });
  registerNumbers(app, accounts, limits);
  registerBehaviour(app, { settings, faults, delivery, reset });

  const close = async () => {
    closing.abort();
    reset();
    await app.close();
    await poster.close();
  };
  try {
    await app.listen({ port: options.port ?? 0, host: options.host ?? '127.0.0.1' });
  } catch (error) {
    await close();
    throw error;
  }
  const address = app.server.address();
  if (!address || typeof address === 'string') throw new Error('the simulator has no address');
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return { url: `http://${host}:${address.port}`, port: address.port, close };
}

function createServer(): FastifyInstance {
  return Fastify({
    bodyLimit: 16 * 1024 * 1024,
    forceCloseConnections: true,
    // A Graph path is the same with a version and without.
    rewriteUrl: request => (request.url ?? '/').replace(/^\/v\d+\.\d+(?=\/)/, ''),
    routerOptions: { maxParamLength: 1000 },
  });
}
