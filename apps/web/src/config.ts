import * as z from 'zod/mini';

const clientConfigSchema = z.object({
  /** The authorization server's identifier, as it stands in `iss`. */
  issuer: z.url(),
  clientId: z.string(),
  /** Where API1 is reached. */
  api1Url: z.url(),
  /** The identifier of API1: the audience of tokens for it (RFC 8707). */
  api1Resource: z.url(),
  /** Where API2 would be reached; only an experiment tries. */
  api2Url: z.url(),
  /** The identifiers of API2 and the subscription service, for showing their names. */
  api2Resource: z.url(),
  subscriptionsResource: z.url(),
  /** Where the agent is reached, and its identifier. */
  agentUrl: z.url(),
  agentResource: z.url(),
  experiments: z.boolean(),
});

/** The settings that the host puts into the page. Nothing in them is secret. */
export type ClientConfig = Readonly<z.infer<typeof clientConfigSchema>>;

/** Reads what the host has put into the page. Throws when it is missing or malformed: nothing can work then. */
export function readClientConfig(page: ParentNode): ClientConfig {
  const content = page.querySelector('meta[name="behalf:config"]')?.getAttribute('content');
  if (!content) throw new Error('The page came without its configuration.');
  return Object.freeze(clientConfigSchema.parse(JSON.parse(content)));
}
