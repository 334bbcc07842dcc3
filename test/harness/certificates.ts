/** Certificates of servers: good ones, signed by an authority that a gateway can be told to trust, and bad ones. Made by openssl. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  key: string;
  cert: string;
}

export interface Authority {
  /** For NODE_EXTRA_CA_CERTS of whoever is to trust it. */
  file: string;
  /** Valid from now on for so many days; with a negative count it is over already. */
  issue(host: string, days: number): Certificate;
  remove(): void;
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

export function hasOpenssl(): boolean {
  try {
    openssl('version');
    return true;
  } catch {
    return false;
  }
}

export function newAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'wagate-certificates-'));
  const at = (name: string) => join(folder, name);
  const read = (name: string) => readFileSync(at(name), 'utf8');
  openssl('req', '-x509', ...newKey, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-subj', '/CN=Tests');
  return {
    file: at('ca.pem'),
    issue(host, days) {
      const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
      openssl('req', ...newKey, '-keyout', at('key'), '-out', at('request'), ...names);
      const signed = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-copy_extensions', 'copy'];
      openssl('x509', '-req', '-in', at('request'), '-out', at('cert'), '-days', String(days), ...signed);
      return { key: read('key'), cert: read('cert') };
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Signed by itself alone. */
export function newSelfSigned(host: string): Certificate {
  const folder = mkdtempSync(join(tmpdir(), 'wagate-certificates-'));
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
  const names = ['-subj', `/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`];
  openssl('req', '-x509', ...newKey, '-keyout', key, '-out', cert, ...names);
  const made = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  rmSync(folder, { recursive: true });
  return made;
}

const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
