/**
 * Canonical content: what is said, in Meta's own vocabulary (decision 1 in ARCHITECTURE.md).
 *
 * A content is the part of a Cloud API message body that does not name sender or recipient:
 * `{type, <type>: {…}, context?}` and whatever newer member Meta understands. `limits.ts` checks it; only
 * `messages/body.ts` turns it into the bytes that Meta receives.
 */
import type { JsonObject } from './json.ts';

export const contentTypes = [
  'text',
  'image',
  'audio',
  'video',
  'document',
  'sticker',
  'location',
  'contacts',
  'reaction',
  'interactive',
  'template',
] as const;

export type ContentType = (typeof contentTypes)[number];

export type Content = JsonObject & { type: ContentType };

export function isContentType(value: unknown): value is ContentType {
  return typeof value === 'string' && (contentTypes as readonly string[]).includes(value);
}

/**
 * Whom a message goes to.
 * - phone: `digits` identifies the person (window, pair pace); `to` is what Meta is given.
 * - user: a business-scoped user id (`US.13491208655302741918`), cloud-api.md §1.2.
 * - group: a group id of the Groups API.
 */
export type Recipient =
  | { kind: 'phone'; digits: string; to: string }
  | { kind: 'user'; id: string }
  | { kind: 'group'; id: string };

/** The key a recipient has in our tables: digits, user id or group id. */
export function recipientKey(recipient: Recipient): string {
  return recipient.kind === 'phone' ? recipient.digits : recipient.id;
}

const userIdPattern = /^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$/;

export function isUserId(value: string): boolean {
  return userIdPattern.test(value);
}

/** Digits of a phone number in any punctuation, or undefined when they cannot be one (E.164: 7 to 15 digits). */
export function phoneDigits(value: string): string | undefined {
  const digits = value.replace(/\D/g, '');
  return digits.length >= 7 && digits.length <= 15 ? digits : undefined;
}

/** Which of Meta's two send endpoints a message takes. */
export type MetaEndpoint = 'messages' | 'marketing_messages';
