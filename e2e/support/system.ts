import { startSystem, type System, type SystemOptions } from '@behalf/scripts/system';

/** A composed system with the client that the global setup has built. */
export function startTestSystem(options: SystemOptions = {}): Promise<System> {
  return startSystem({ webRoot: process.env['BUILT_WEB_ROOT'], ...options });
}
