import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { startSession } from './auth/start.ts';
import { answerFromFrame } from './auth/unseen.ts';
import { readClientConfig } from './config.ts';
import { forgetResults } from './experiments/kept-results.ts';
import { createDraftStore, forgetAtSignOut } from './payments/draft.ts';
import './styles/theme.css';
import './styles/base.css';
import './styles/controls.css';

// Inside a frame this page does one thing only: hand an authorization answer to our own page around it.
if (!answerFromFrame()) {
  // A page that the browser has kept for "back" still holds the session it was left with.
  window.addEventListener('pageshow', (event) => event.persisted && location.reload());

  const config = readClientConfig(document);
  const started = startSession(config);
  forgetAtSignOut(createDraftStore(sessionStorage), started.session);
  forgetAtSignOut({ clear: () => forgetResults(sessionStorage) }, started.session);
  const root = document.getElementById('root');
  if (!root) throw new Error('The page has no root element.');
  createRoot(root).render(
    <StrictMode>
      <App config={config} started={started} />
    </StrictMode>,
  );
}
