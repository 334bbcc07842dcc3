/**
 * The third contract of a dialect: a door that sends campaigns to entries, each with variables of its own. What a campaign says stands in a
 * draft of the same name. As pure as the others; what happens between reading and answering is in `http/campaigns.ts`.
 */
import type { Refusal } from '../canonical/refusal.ts';
import type { NumberSelector, WireAnswer, WireRequest } from './dialect.ts';

export interface CampaignEntry {
  campaign: string;
  /** As the caller names it; null: none. */
  version: string | null;
  /** Digits with country code; or why it is none. */
  client: { digits: string } | { problem: string };
  /** null: the campaign's own. */
  sender: NumberSelector | null;
  variables: Record<string, string>;
  /** Unix ms; null: now. */
  scheduledAt: number | null;
}

export interface CampaignCommand {
  tenant: string;
  entries: CampaignEntry[];
}

/** Of all entries of one campaign and version. */
export interface CampaignResult {
  campaign: string;
  version: string | null;
  accepted: number;
  rejected: number;
  /** Why the first of the rejected ones was. */
  error: string | null;
}

export interface CampaignDoor {
  method: 'POST';
  path: string;
  read(wire: WireRequest): CampaignCommand | Refusal;
  answer(results: CampaignResult[]): WireAnswer;
}
