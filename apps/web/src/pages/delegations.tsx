import { Page } from '../components/page.tsx';
import { DelegationList } from '../components/delegation-list.tsx';
import { LoginSessions } from '../components/login-sessions.tsx';

/** The user's own page at the authorization server: who acted, where sessions live, and the way to end both. */
export default function DelegationsPage() {
  return (
    <Page
      title="Who acted for me"
      lead="Every token that was issued, or refused, to a service acting for you. Take one back and the chain below it ends at once."
    >
      <LoginSessions />
      <DelegationList />
    </Page>
  );
}
