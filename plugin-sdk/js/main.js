// Where the build begins: the plugin's module, held to what the host will call.

import './globals.js';
import * as exported from 'tollgate-plugin';
import { checked } from './plugin.js';

export const interceptor = checked(exported);
