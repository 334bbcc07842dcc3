import type { FastifyInstance } from 'fastify';
import { malformed, optionalText } from '../rules/check.ts';
import type { Poster } from '../webhooks/poster.ts';
import type { Access } from './access.ts';
import { bodyOf, queryOf } from './body.ts';
import { graphError } from './graph-error.ts';

/** DOC/reference/whatsapp-business-account/subscribed-apps-api and DOC/webhooks/override. */
export function registerSubscribedApps(app: FastifyInstance, access: Access, poster: Poster): void {
  app.get('/:object/subscribed_apps', request => {
    const account = access.account(request);
    if (!account.subscribed) return { data: [] };
    return {
      data: [
        {
          whatsapp_business_api_data: {
            id: account.app.id,
            link: `https://www.facebook.com/games/?app_id=${account.app.id}`,
            name: account.name,
          },
          ...(account.overrideUrl ? { override_callback_uri: account.overrideUrl } : {}),
        },
      ],
    };
  });

  app.post('/:object/subscribed_apps', async request => {
    const account = access.account(request);
    const given = { ...queryOf(request), ...bodyOf(request) };
    const uri = optionalText(given, 'override_callback_uri', 'override_callback_uri', 200);
    const token = optionalText(given, 'verify_token', 'verify_token');
    if (!uri) {
      account.subscribed = true;
      account.overrideUrl = null;
      return { success: true };
    }
    if (!token) throw malformed('The parameter verify_token is required.');
    // Meta wants https; a simulator on the same machine cannot.
    if (!URL.canParse(uri)) throw malformed('Param override_callback_uri must be a valid URI.');
    const fault = await poster.verify(new URL(uri), token);
    if (fault) {
      throw graphError(2200, { title: `Callback verification failed with the following errors: ${fault}` });
    }
    account.subscribed = true;
    account.overrideUrl = uri;
    return { success: true };
  });

  app.delete('/:object/subscribed_apps', request => {
    const account = access.account(request);
    account.subscribed = false;
    account.overrideUrl = null;
    return { success: true };
  });
}
