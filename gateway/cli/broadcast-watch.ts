/** A broadcast as it moves: on a terminal a bar, elsewhere a line now and then; what goes wrong is told once, with what to do. */
import { isObject, type JsonObject, parseJson } from '../canonical/json.ts';
import { rowsOf, textOf } from './answer.ts';
import { countOf, errorLine, partOf, printBroadcast } from './broadcast-print.ts';
import type { Client } from './client.ts';
import { exitCodes, failed, unreachable } from './failure.ts';
import { grouped } from './move-progress.ts';
import { plain, printJson, printNote } from './print.ts';
import { readEvents } from './sse.ts';

const barWidth = 24;
const clearLine = '\r\x1b[2K';
/** Without a terminal, so many percent between two lines. */
const percentStep = 5;

/** Until it has ended or is paused. Fails when it ended, or stands still, for a reason that nobody asked for. */
export async function watchBroadcast(client: Client, id: string, json: boolean): Promise<void> {
  const screen = createScreen(json);
  const leave = () => {
    screen.clear();
    printNote(
      `It runs on. Look again: wagate broadcast show ${id} --watch. End it: wagate broadcast cancel ${id}`,
    );
    process.exit(exitCodes.ok);
  };
  process.once('SIGINT', leave);
  try {
    for await (const { event, data } of readEvents(client.stream(`/api/v1/broadcasts/${id}/progress`))) {
      const told = parseJson(data);
      if (!isObject(told)) continue;
      if (event === 'removed') throw failed(`The draft ${id} was removed.`);
      if (event === 'closed' || event === 'dropped')
        throw unreachable(
          `${textOf(told, 'reason')}\nThe broadcast goes on: wagate broadcast show ${id} --watch`,
        );
      screen.show(told);
      const state = textOf(told, 'state');
      if (event === 'ended' || state === 'paused' || state === 'draft') return end(told);
    }
    throw unreachable(`The gateway ended the stream: wagate broadcast show ${id} --watch`);
  } finally {
    process.off('SIGINT', leave);
    screen.clear();
  }

  function end(told: JsonObject): void {
    screen.clear();
    if (json) printJson(told);
    else printBroadcast(told);
    const [state, reason] = [textOf(told, 'state'), textOf(told, 'reason')];
    if (state === 'draft') throw failed(`It is a draft: wagate broadcast launch ${id}`);
    if (state === 'paused') {
      const message = `It is paused: ${plain(textOf(told, 'detail') || 'somebody asked for it')} Go on: wagate broadcast resume ${id}`;
      if (reason !== 'asked' && reason !== 'limit') throw failed(message);
      printNote(message);
    } else if (state === 'canceled') throw failed('It was canceled.');
    else {
      if (reason !== '') throw failed(`It ended before everyone had a message: ${textOf(told, 'detail')}`);
      printNote(`Word of deliveries still comes in: wagate broadcast show ${id}`);
    }
  }
}

function createScreen(json: boolean): { show(broadcast: JsonObject): void; clear(): void } {
  const terminal = process.stderr.isTTY === true;
  const toldErrors = new Set<string>();
  let toldLine = '';

  function clear(): void {
    if (terminal) process.stderr.write(clearLine);
  }

  return {
    clear,
    show(broadcast) {
      if (json) return;
      for (const error of rowsOf(partOf(broadcast, 'progress'), 'errors')) {
        const name = textOf(error, 'code') || textOf(error, 'title');
        if (toldErrors.has(name)) continue;
        toldErrors.add(name);
        clear();
        printNote(errorLine(error));
      }
      const { percent, text } = lineOf(broadcast);
      if (terminal) {
        const bar = '█'.repeat(Math.round((percent / 100) * barWidth)).padEnd(barWidth, '░');
        process.stderr.write(`${clearLine}${bar} ${text}`);
        return;
      }
      const step = `${textOf(broadcast, 'state')} ${Math.floor(percent / percentStep)}`;
      if (step === toldLine) return;
      toldLine = step;
      printNote(text);
    },
  };
}

function lineOf(broadcast: JsonObject): { percent: number; text: string } {
  const progress = partOf(broadcast, 'progress');
  const counts = partOf(progress, 'counts');
  const recipients = countOf(broadcast, 'recipients');
  const over = Object.entries(counts).filter(([status]) => !['queued', 'held', 'sending'].includes(status));
  const sent = over.reduce((sum, [, count]) => sum + Number(count), countOf(progress, 'aged'));
  const done = sent + countOf(broadcast, 'skipped');
  const percent = recipients === 0 ? 0 : Math.floor((done / recipients) * 100);
  const finishes = textOf(progress, 'finishesAt');
  const rate = progress.perSecond ?? null;
  const parts = [
    `${percent}%`,
    `${textOf(broadcast, 'state')} ${grouped(done)} of ${grouped(recipients)}${broadcast.isFrozen === true ? '' : '…'}`,
    rate === null ? '' : `${grouped(Number(rate))}/s`,
    finishes === '' ? '' : `until ${new Date(finishes).toTimeString().slice(0, 8)}`,
    ...['delivered', 'read', 'failed'].map(name =>
      countOf(counts, name) === 0 ? '' : `${grouped(countOf(counts, name))} ${name}`,
    ),
  ];
  return { percent, text: parts.filter(part => part !== '').join('  ') };
}
