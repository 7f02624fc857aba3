// Commands of the system, and which address has which port of the switch.

import { execFileSync } from 'node:child_process';

/// Runs a command; throws with what it printed if it fails.
export const run = (command, ...args) => execFileSync(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });

export const addressOf = (port) => `10.77.0.${port}`;
