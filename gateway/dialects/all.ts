/** Every dialect, in the order in which an unknown path is offered to them. */
import { autokonnect } from './autokonnect/autokonnect.ts';
import { cloud } from './cloud/cloud.ts';
import { connectly } from './connectly/connectly.ts';
import { connexease } from './connexease/connexease.ts';
import type { Dialect } from './dialect.ts';
import { native } from './native/native.ts';

export const dialects: readonly Dialect[] = [connexease, connectly, autokonnect, native, cloud];
