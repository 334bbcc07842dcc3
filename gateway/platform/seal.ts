/**
 * Secrets at rest: AES-256-GCM under the master key. The context ("number:123:access_token") is authenticated, so that a
 * sealed value copied to another row does not open there.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  hash,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { closeSync, existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { masterKeyBytes } from './config.ts';
import { StartProblem } from './start-problem.ts';

export interface Seal {
  seal(plain: string, context: string): string;
  /** Throws when the master key is another one or the value was changed. */
  open(sealed: string, context: string): string;
  /** A keyed hash: proves what a text was to whoever has the master key, and tells nobody else. */
  digest(text: string, context: string): string;
}

export function createSeal(masterKey: Buffer): Seal {
  // A key of its own: what seals must not also sign.
  const digestKey = Buffer.from(hkdfSync('sha256', masterKey, '', 'wagate digest', 32));
  return {
    seal(plain, context) {
      const iv = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', masterKey, iv).setAAD(Buffer.from(context));
      const sealed = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return `v1.${Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')}`;
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed.slice('v1.'.length), 'base64');
      const decipher = createDecipheriv('aes-256-gcm', masterKey, bytes.subarray(0, 12))
        .setAAD(Buffer.from(context))
        .setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
    },
    digest(text, context) {
      return createHmac('sha256', digestKey)
        .update(JSON.stringify([context, text]))
        .digest('hex');
    },
  };
}

/**
 * The master key of the setting, else of `master.key` in the data folder, which is made (mode 0600) when absent and
 * `mayMake`: a new key beside what an old one sealed would lose it.
 */
export function masterKey(setting: string | null, dataFolder: string, mayMake: boolean): Buffer {
  if (setting !== null) return masterKeyBytes(setting)!;
  const path = join(dataFolder, 'master.key');
  if (!mayMake && !existsSync(path)) {
    throw new StartProblem([
      `${path} is missing, and the numbers stored here are sealed with it: restore it from your backup or set WAGATE_MASTER_KEY.`,
    ]);
  }
  try {
    // 'wx' fails when another process made the file a moment ago; then its key is the one to use.
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, `${randomBytes(32).toString('hex')}\n`);
    closeSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const text = readFileSync(path, 'utf8').trim() || readSoon(path);
  const key = masterKeyBytes(text);
  if (key === undefined) throw new Error(`${path} does not hold a master key of 64 hex digits`);
  return key;
}

/** Between its making and its writing, by another process, the file is empty: a moment, in which there is nothing else to do. */
function readSoon(path: string): string {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
  return readFileSync(path, 'utf8').trim();
}

/** Keys are looked up by their hash; 190 random bits need no slow hash. */
export function keyHash(key: string): string {
  return hash('sha256', key, 'hex');
}

export function sameText(a: string, b: string): boolean {
  const left = createHash('sha256').update(a).digest();
  const right = createHash('sha256').update(b).digest();
  return timingSafeEqual(left, right);
}
