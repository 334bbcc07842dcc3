import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply } from 'fastify';
import type { FaultAction } from '../faults.ts';
import { graphError } from './graph-error.ts';

/** Plays what happens instead of acceptance. True: the request is over. */
export async function playBefore(
  fault: FaultAction,
  reply: FastifyReply,
  closing: AbortSignal,
): Promise<boolean> {
  if (fault.kind === 'error') {
    const { code, status, subcode, message, details, headers } = fault;
    throw graphError(code, {
      ...(status === undefined ? {} : { status }),
      ...(subcode === undefined ? {} : { subcode }),
      ...(message === undefined ? {} : { message }),
      ...(details === undefined ? {} : { details }),
      ...(headers === undefined ? {} : { headers }),
    });
  }
  if (fault.kind === 'html') {
    await reply
      .code(fault.status)
      .type('text/html; charset=utf-8')
      .send('<!DOCTYPE html><html><body><h1>Sorry, something went wrong.</h1></body></html>');
    return true;
  }
  if (fault.kind === 'reset_before') return cut(reply);
  if (fault.kind === 'hang' && !fault.accept) {
    await pause(fault.ms, closing);
    return cut(reply);
  }
  return false;
}

/** Plays what happens to the answer of an accepted message. True: there is none. */
export async function playAfter(
  fault: FaultAction,
  reply: FastifyReply,
  closing: AbortSignal,
): Promise<boolean> {
  if (fault.kind === 'reset_after') return cut(reply);
  if (fault.kind === 'hang') {
    await pause(fault.ms, closing);
    return cut(reply);
  }
  if (fault.kind === 'delay') await pause(fault.ms, closing);
  return false;
}

function cut(reply: FastifyReply): true {
  reply.hijack();
  reply.raw.socket?.destroy();
  return true;
}

async function pause(ms: number, closing: AbortSignal): Promise<void> {
  // Aborted when the simulator closes: nothing is left to wait for.
  await sleep(ms, undefined, { signal: closing }).catch(() => undefined);
}
