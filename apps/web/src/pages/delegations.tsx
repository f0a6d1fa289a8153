import { DelegationList } from '../components/delegation-list.tsx';
import { LoginSessions } from '../components/login-sessions.tsx';
import { Page } from '../components/page.tsx';

/** The user's login sessions and delegations, and the way to end each. */
export default function DelegationsPage() {
  return (
    <Page
      title="Who acted for me"
      lead="Every token that was issued, or refused, to a service that acts for you. When you take one back, everything that was derived from it ends at once."
    >
      <LoginSessions />
      <DelegationList />
    </Page>
  );
}
