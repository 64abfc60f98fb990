// Where the build begins: the plugin's module, held to what the host will call.

import './globals.js';
import * as exported from 'tollgate-plugin';
import { checked } from './plugin.js';

// requestBody, responseBody and background, if the plugin has them. What stands below goes before what the plugin exports by the same name.
export * from 'tollgate-plugin';
export const { interceptor, lifecycle } = checked(exported);
