// An OpenID Connect issuer for tests: `node provider.mjs PORT`. Whoever signs in as NAME has the claims of PEOPLE[NAME];
// any password does. It says "ready" when it answers.

import Provider from "oidc-provider";

const port = Number(process.argv[2]);
const issuer = `http://localhost:${port}`;
const API = "https://pictures.example.org/api";
const PEOPLE = {
  ada: { name: "Ada", email: "ada@example.org", email_verified: true, roles: ["IT", "Editors"] },
  eve: { name: "Eve", email: "a.viewer@example.org", email_verified: true, roles: ["Editors"] },
  sam: { name: "<b>Sam</b>", roles: [] },
};
const client = (id, ...redirects) => ({
  client_id: id, client_secret: "the secret of the client", redirect_uris: redirects,
  grant_types: ["authorization_code"], response_types: ["code"],
});
const provider = new Provider(issuer, {
  clients: [
    client(
      "imagestore", "https://pictures.example.org/sign-in/openid/back",
      "https://pictures.example.org/sign-in/openid/partner/back",
    ),
    client("another-program", "https://program.example.org/back"),
  ],
  claims: { openid: ["sub", "roles"], profile: ["name"], email: ["email", "email_verified"] },
  scopes: ["openid", "profile", "email", "imagestore", "other"],
  findAccount: (context, id) => ({ accountId: id, claims: () => ({ sub: id, ...PEOPLE[id] }) }),
  features: {
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: (context, audience) => ({
        scope: "imagestore other", audience, accessTokenFormat: "jwt", jwt: { sign: { alg: "RS256" } },
      }),
      useGrantedResource: () => true,
    },
  },
  pkce: { required: () => true },
  cookies: { keys: ["a key of the tests"] },
  ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Grant: 600, Session: 600 },
});
provider.listen(port, "127.0.0.1", () => console.log("ready"));
