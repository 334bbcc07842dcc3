/** What a new user reads after `npm start`: well under a screen, ready to paste. */
import { demo } from './demo.ts';

export interface BannerFacts {
  url: string;
  simulatorUrl: string;
  version: string;
  startedInMs: number;
}

export function demoBanner({ url, simulatorUrl, version, startedInMs }: BannerFacts): string {
  return `
Wagate ${version} runs in demo mode (ready in ${(startedInMs / 1000).toFixed(1)} s). Nothing leaves this machine.

  Gateway    ${url}     API key  ${demo.key}
  Simulator  ${simulatorUrl}     Ctrl-C stops; what was sent is kept

Send a message: paste one line into another terminal, or run  npx wagate send ${demo.recipient} Hello --watch

  Cloud API    ${curl(`${url}/v25.0/${demo.phoneNumberId}/messages`, bearer, `{"messaging_product":"whatsapp","to":"${demo.recipient}","type":"text","text":{"body":"Hello"}}`)}

  Connexease   ${curl(`${url}/v1/wa/message`, bearer, `{"messaging_product":"whatsapp","to":"${demo.recipient}","type":"text","text":{"body":"Hello"}}`)}

  Connectly    ${curl(`${url}/v1/businesses/${demo.tenantId}/send/messages`, `X-API-Key: ${demo.key}`, `{"recipient":{"id":"+${demo.recipient}","channelType":"whatsapp"},"message":{"text":"Hello"}}`)}

  AutoKonnect  ${curl(`${url}/api/v1/whatsapp/${demo.numberId}/messages`, bearer, '{"contact_tag_id":"42","type":"text","message":"Hello"}')}

What happens to each message follows here.
`;
}

const bearer = `Authorization: Bearer ${demo.key}`;

function curl(url: string, auth: string, body: string): string {
  return `curl ${url} -H '${auth}' -H 'Content-Type: application/json' -d '${body}'`;
}
