/**
 * What this process has in memory of one endpoint's attempts, and which of them may be posted next: of a conversation one POST at a
 * time, in the order of its events. Pure but for its memory; bounded by whoever reads into it.
 */
import type { DueAttempt } from './attempts.ts';

export interface Lineup {
  /** Attempts in memory, those under way included. */
  size(): number;
  /** Something may be posted now. */
  hasNext(): boolean;
  /** Call before attempts are read: what ends meanwhile may still be among them. */
  reading(): void;
  /**
   * Takes in what was read, in any order. `isPartial`: some are left out, since what they wait for is not in memory, or enough of their
   * conversation is; `unknown`: conversations of such that are not in memory at all, and can be read from their beginning.
   */
  add(read: DueAttempt[]): { isPartial: boolean; unknown: string[] };
  /** Up to `most` attempts for one POST, none when nothing may be posted; `fits` says whether one may travel with the first. */
  next(most: number, fits: (first: DueAttempt, other: DueAttempt) => boolean): DueAttempt[];
  /** The POST is over; `failed`: of its conversations nothing is posted until it is read again. */
  end(posted: DueAttempt[], failed: boolean): void;
}

interface Conversation {
  name: string;
  waiting: DueAttempt[];
  busy: boolean;
  /** The last event in memory: what comes behind it may join. */
  last: string;
}

/** So that one conversation does not fill the memory. */
export const conversationMax = 50;

const keyOf = ({ eventId, n }: Pick<DueAttempt, 'eventId' | 'n'>) => `${eventId} ${n}`;

export function createLineup(): Lineup {
  const known = new Set<string>();
  const conversations = new Map<string, Conversation>();
  /** What may be posted, in order: single attempts, and conversations of which nothing is under way. */
  let ready: (DueAttempt | Conversation)[] = [];
  let ended = new Set<string>();

  function join(attempt: DueAttempt): boolean {
    const found = conversations.get(attempt.conversation);
    if (attempt.behind !== null && (found === undefined || found.last !== attempt.behind)) return false;
    // Its first again, or one that was replayed before what is in memory.
    if (found !== undefined && (attempt.eventId <= found.last || found.waiting.length >= conversationMax))
      return false;
    known.add(keyOf(attempt));
    if (found !== undefined) {
      found.waiting.push(attempt);
      found.last = attempt.eventId;
      return true;
    }
    const made = { name: attempt.conversation, waiting: [attempt], busy: false, last: attempt.eventId };
    conversations.set(attempt.conversation, made);
    ready.push(made);
    return true;
  }

  function endConversation(name: string, failed: boolean): void {
    const conversation = conversations.get(name);
    if (conversation === undefined || !conversation.busy) return;
    conversation.busy = false;
    if (failed) for (const attempt of conversation.waiting.splice(0)) known.delete(keyOf(attempt));
    if (conversation.waiting.length > 0) ready.push(conversation);
    else conversations.delete(name);
  }

  return {
    size: () => known.size,
    hasNext: () => ready.length > 0,
    reading() {
      ended = new Set();
    },
    add(read) {
      const fresh = read.filter(one => !known.has(keyOf(one)) && !ended.has(keyOf(one)));
      const inOrder = fresh
        .filter(one => one.conversation !== '')
        .sort((a, b) => (a.eventId < b.eventId ? -1 : 1));
      const left = inOrder.filter(one => !join(one));
      for (const attempt of fresh) {
        if (attempt.conversation !== '') continue;
        known.add(keyOf(attempt));
        ready.push(attempt);
      }
      const names = new Set(left.map(({ conversation }) => conversation));
      return { isPartial: left.length > 0, unknown: [...names].filter(name => !conversations.has(name)) };
    },
    next(most, fits) {
      const taken: DueAttempt[] = [];
      let used = 0;
      for (const one of ready) {
        if (taken.length >= most) break;
        const [head] = 'waiting' in one ? one.waiting : [one];
        if (taken[0] !== undefined && !fits(taken[0], head!)) break;
        used++;
        if ('waiting' in one) {
          one.busy = true;
          taken.push(...one.waiting.splice(0, most - taken.length));
        } else taken.push(one);
      }
      ready = used === ready.length ? [] : ready.slice(used);
      return taken;
    },
    end(posted, failed) {
      for (const attempt of posted) {
        known.delete(keyOf(attempt));
        ended.add(keyOf(attempt));
      }
      for (const name of new Set(posted.map(({ conversation }) => conversation)))
        if (name !== '') endConversation(name, failed);
    },
  };
}
