/** An endpoint for tests of formats, of every event and without anything that its door adds. */
import type { Endpoint, EndpointFormat } from '../../tenants/endpoints.ts';
import type { Signing } from './format.ts';

export function newEndpoint(format: EndpointFormat, more: Partial<Endpoint> = {}): Endpoint {
  return {
    tenantId: 'b5a1f6c2-7d0e-4f7a-9c3b-2f1e0d9c8b7a',
    id: '01JY0000000000000000000000',
    numberId: null,
    url: 'https://example.com/hook',
    format,
    events: ['*'],
    door: 'native',
    doorData: {},
    description: '',
    ordered: false,
    batchMax: 1,
    perSecond: null,
    secrets: [],
    headers: {},
    signsWith: 'endpoint',
    status: 'active',
    statusReason: null,
    statusAt: 0,
    createdAt: 0,
    updatedAt: 0,
    ...more,
  };
}

/** Of nobody, each in the form of its format. */
export const secretSamples: Record<EndpointFormat, string> = {
  standard: `whsec_${Buffer.alloc(32).toString('base64')}`,
  meta: 'metaMETAmetaMETAmetaMETAmetaMETAmetaMETA',
  connectly: 'connectlyCONNECTLYconnectlyCONNECTLY1234',
};

export function signing(more: Partial<Signing> = {}): Signing {
  return {
    secrets: [secretSamples.standard],
    nowMs: 1_700_000_000_000,
    appSecret: null,
    attempt: 1,
    ...more,
  };
}
