// First, so that a component's own style wins over the general one.
import './styles/theme.css';
import './styles/base.css';
import './styles/controls.css';
import { StrictMode, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { startSession } from './auth/start.ts';
import { answerFromFrame } from './auth/silent-authorize.ts';
import { Boundary } from './components/boundary.tsx';
import { cannotRun, CannotRun } from './components/cannot-run.tsx';
import { readClientConfig } from './config.ts';

// Inside a frame this page does one thing only: hand an authorization answer to our own page around it.
if (!answerFromFrame()) {
  // A page that the browser has kept for "back" still holds the session it was left with.
  window.addEventListener('pageshow', (event) => event.persisted && location.reload());

  const root = document.getElementById('root');
  if (!root) throw new Error('The page has no root element.');
  createRoot(root).render(
    <StrictMode>
      <Boundary>{start()}</Boundary>
    </StrictMode>,
  );
}

function start(): ReactNode {
  const why = cannotRun(window);
  if (why !== undefined) return <CannotRun why={why} />;
  try {
    const config = readClientConfig(document);
    return <App config={config} started={startSession(config, window.sessionStorage)} />;
  } catch {
    return <CannotRun why="set_up" />;
  }
}
