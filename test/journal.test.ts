/** The journal on a disk that fills up: what it says it took, it took whole. */
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openJournal, readJournal, sendName } from '../gateway/messages/journal.ts';
import { cannotMount, mountSmallDisk } from '../torture/small-disk.ts';

const send = (n: number) => sendName(String(n).padStart(26, '0'), 1);

test('every send that was begun is read again, and none that was not', { skip: cannotMount() }, () => {
  const disk = mountSmallDisk(mkdtempSync(join(tmpdir(), 'wagate-journal-')), 1);
  try {
    const journal = openJournal(disk.folder, 'p');
    const begun = new Set<string>();
    const refused = new Set<string>();
    let n = 0;
    const begin = () => {
      const name = send(n++);
      try {
        journal.begin(name);
        begun.add(name);
      } catch {
        refused.add(name);
      }
    };
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 100 + round; i++) begin();
      disk.fill();
      // A file grows by pages: the line that crosses into a page that is not there is taken in part.
      for (let i = 0; i < 400; i++) begin();
      disk.free();
      for (let i = 0; i < 10; i++) begin();
    }
    assert.ok(refused.size > 0);
    const read = readJournal(disk.folder, 'p')!;
    assert.deepEqual(
      [...begun].filter(name => !read.has(name)),
      [],
    );
    assert.deepEqual(
      [...refused].filter(name => read.has(name)),
      [],
    );
    journal.close();
  } finally {
    disk.remove();
  }
});
