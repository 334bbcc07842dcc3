/** Whose a fact is: of the tenants that have a number it is about, and whose app signed the bytes it came in. */
import type { Wish } from '../canonical/opt-out-words.ts';
import { isSignedBy } from '../meta/signature.ts';
import type { NumberBook, SendingNumber } from '../tenants/number-book.ts';
import type { NumberNames } from '../tenants/numbers.ts';
import type { WordBook } from '../tenants/opt-out-words.ts';
import type { AssetFact, Fact, IncomingFact, MessageFact } from './facts.ts';

interface Ownership {
  tenantId: string;
  /** Of the number by which the tenant is known to own the fact. */
  numberId: number;
  /** What the fact is about; null: the whole account. */
  number: NumberNames | null;
  /** The first that the number hears of messages, as far as this process knows. */
  isFirst: boolean;
  /** What the whole message asks of our marketing. */
  word: Wish | undefined;
}

export type Owned<F extends Fact> = F & Ownership;
export type OwnedMessageFact = Owned<MessageFact>;
export type OwnedAssetFact = Owned<AssetFact>;
export type OwnedFact = OwnedMessageFact | OwnedAssetFact;

/** The facts that are somebody's here; one may be several tenants'. */
export async function owned(
  { numbers, words }: { numbers: NumberBook; words: WordBook },
  facts: Fact[],
  body: Buffer,
  signature: string | undefined,
): Promise<OwnedFact[]> {
  const verified = new Map<string, boolean>();
  const isTrusted = ({ appSecret }: SendingNumber) => {
    let signed = verified.get(appSecret);
    if (signed === undefined) {
      signed = isSignedBy(appSecret, body, signature);
      verified.set(appSecret, signed);
    }
    return signed;
  };
  const result: OwnedFact[] = [];
  for (const fact of facts) {
    for (const { owner, about } of await ownersOf(numbers, fact, isTrusted)) {
      const { tenantId, id: numberId, listeningSince } = owner;
      const isFirst = listeningSince === null && (fact.kind === 'incoming' || fact.kind === 'status');
      const word = fact.kind === 'incoming' ? await wordOf(words, tenantId, fact) : undefined;
      result.push({ ...fact, tenantId, numberId, number: about, isFirst, word });
    }
  }
  return result;
}

interface Owner {
  owner: SendingNumber;
  about: SendingNumber | null;
}

async function ownersOf(
  numbers: NumberBook,
  fact: Fact,
  isTrusted: (number: SendingNumber) => boolean,
): Promise<Owner[]> {
  if (fact.phoneNumberId !== null) {
    const number = await numbers.byPhoneNumberId(fact.phoneNumberId);
    return number !== undefined && isTrusted(number) ? [{ owner: number, about: number }] : [];
  }
  // What is said of an account concerns every tenant that has a number on it, each once, whichever of its apps signed.
  const ofAccount = await numbers.ofWaba(fact.wabaId);
  const trusted = ofAccount.filter(isTrusted);
  const tenants = new Map(trusted.toReversed().map(number => [number.tenantId, number]));
  const { displayNumber } = fact.kind === 'number' ? fact : { displayNumber: '' };
  const named =
    displayNumber === '' ? [] : ofAccount.filter(number => number.displayNumber === displayNumber);
  if (named.length > 0) {
    return named.flatMap(about => {
      const owner = tenants.get(about.tenantId);
      return owner === undefined ? [] : { owner, about };
    });
  }
  return [...tenants.values()].map(owner => ({ owner, about: null }));
}

async function wordOf(
  words: WordBook,
  tenantId: string,
  { words: said, inGroup }: IncomingFact,
): Promise<Wish | undefined> {
  if (said.length === 0 || inGroup) return undefined;
  const read = await words.of(tenantId);
  return said.map(read).find(wish => wish !== undefined);
}
