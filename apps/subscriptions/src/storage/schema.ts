/** Times are epoch seconds. */
export interface SubscriptionTables {
  subscriptions: {
    /** The user (`sub`). */
    subject: string;
    plan: string;
    status: 'active' | 'lapsed';
    /** When the plan renews; for a lapsed one, when it would have. */
    renews_at: number;
  };
}
