/** The board, to whoever is signed in. */

import { Board } from './board.js';
import { present } from './page.js';
import { Notices } from './views/notices.js';

const notices = new Notices();
document.body.append(notices.node);
present((user, onSignedOut, onSignOut) => new Board(user, { notices, onSignedOut, onSignOut }));
