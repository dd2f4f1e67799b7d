// SPDX-License-Identifier: Apache-2.0
// Where the ui begins: settings first, so that the first paint has the right theme and language.
import './components/fluent.js';
import './app.js';
import { resumeSession } from './state/session.js';
import { watchRoute } from './state/route.js';
import { loadSettings } from './state/settings.js';

loadSettings();
watchRoute();
void resumeSession();
