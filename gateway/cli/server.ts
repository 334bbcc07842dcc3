/** What commands need of the composition root, which stands above them (main.ts gives it). */
import type { Feed } from '../messages/feed.ts';
import type { Config } from '../platform/config.ts';
import type { Database } from '../platform/database.ts';
import type { Log } from '../platform/log.ts';

export interface RunningGateway {
  url: string;
  mode: 'demo' | 'live';
  simulatorUrl: string | null;
  feed: Feed;
  database: Database;
  close(): Promise<void>;
}

export interface Server {
  /** Throws `StartProblem`. */
  createGateway(config: Config): Promise<RunningGateway>;
  /** Everything that would stop a start, one sentence each. */
  preflight(config: Partial<Config>): Promise<string[]>;
  /** The database of the settings, brought up to date. */
  openDatabase(config: Config, log: Log): Promise<Database>;
}
