import { ActingSessions } from '../components/acting-sessions.tsx';
import { Page } from '../components/page.tsx';

/** The user's login sessions, who acted in each, and the way to end it. */
export default function DelegationsPage() {
  return (
    <Page
      title="Who acted for me"
      lead="Each sign-in, and below it the services that act for you in it. What stands below another one acts on its behalf, and ends with it."
    >
      <ActingSessions />
    </Page>
  );
}
